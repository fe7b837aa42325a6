"""Who is let into which channel of a hosted transport, and what a browser is told about it."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from ably.sync import AblyRestSync
from ably.sync.util.exceptions import AblyException
from django.contrib.auth.models import User
from django.test import Client
from django.utils.html import escape

from progress_app import conf, connections, hosted
from progress_app.breaker import Condition
from progress_app.channels import log_channel, task_channel, user_channel
from progress_app.checks import settings_fit
from progress_app.events import Snapshot
from tasks_app import diagnosis, doctor
from tasks_app.models import Task
from tests.emulators import ably as ably_emulator
from tests.emulators import pusher as pusher_emulator
from tests.emulators.service import Emulator

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "redis_db")]
SOCKET = "1234.5678"
NO_URL = {"PROGRESS_PUSHER_URL": ""}


@pytest.fixture
def task(owner: User) -> Task:
    return Task.objects.create(job="rehearsal", owner=owner)


@pytest.fixture(autouse=True)
def _fresh(settings: Any) -> Iterator[None]:
    hosted._known.transport = ""
    connections._backend.cache_clear()  # another test's, which would be built anew with the settings of this one
    connections._transport.cache_clear()
    yield
    connections.close()  # before `settings` goes back: the publisher of the test's own settings
    carrier = connections.transport() if connections._transport.cache_info().currsize else None
    if carrier is not None:
        carrier.close()
    connections._transport.cache_clear()
    connections._backend.cache_clear()


def use(settings: Any, kind: str, **changes: str) -> None:
    """Choose a transport for the test."""
    given = Emulator(kind).settings | changes
    for name, value in given.items():
        setattr(settings, name, value)


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def sign(client: Client, channel: str, socket_id: str = SOCKET) -> Any:
    return client.post("/events/pusher/auth/", {"socket_id": socket_id, "channel_name": channel})


def ask(client: Client, transport: str, *channels: str) -> Any:
    body = json.dumps({"channels": channels, "transport": transport})
    return client.post("/events/token/", body, content_type="application/json")


# Pusher


def test_pusher_subscriptions_are_signed_for_who_may_read(settings: Any, task: Task, owner: User) -> None:
    use(settings, "pusher")
    for name in (f"private-cache-task-{task.pk}", f"private-task-{task.pk}.log", f"private-user-{owner.pk}"):
        signature = pusher_emulator.sign(f"{SOCKET}:{name}")
        assert sign(logged_in(owner), name).json() == {"auth": f"{pusher_emulator.KEY}:{signature}"}


@pytest.mark.parametrize(
    "name",
    [
        "private-cache-task-{task}",
        "private-task-{task}.log",
        "private-user-{owner}",
        "private-tasks",
        "private-cache-ops",
        "private-cache-user-{stranger}",
        "private-task-{task}",
        "presence-task-{task}",
        "task-{task}",
        "private-cache-private-cache-task-{task}",
        "private-cache-task-{task}\n",
        "private-",
        "",
    ],
)
def test_what_is_not_theirs_or_forged_is_403(settings: Any, task: Task, owner: User, stranger: User, name: str) -> None:
    use(settings, "pusher")
    name = name.format(task=task.pk, owner=owner.pk, stranger=stranger.pk)
    assert sign(logged_in(stranger), name).status_code == 403


def test_a_channel_of_a_project_cannot_pass_for_a_task(
    settings: Any, monkeypatch: Any, task: Task, owner: User
) -> None:
    use(settings, "pusher")
    settings.PROGRESS_MAY_READ = "tests.progress_app.transports.test_doors.everything_but_tasks"
    assert sign(logged_in(owner), f"private-cache-task-{task.pk}").status_code == 403
    assert connections.transport().wire_name(f"cache-task-{task.pk}") is None  # type: ignore[union-attr]


def everything_but_tasks(_user: Any, channel: str) -> bool:
    return not channel.startswith("task-")


@pytest.mark.parametrize("socket_id", ["", "1", "1.2:private-cache-x", "1.2\n", "x" * 5000])
def test_a_forged_socket_id_is_400(settings: Any, task: Task, owner: User, socket_id: str) -> None:
    use(settings, "pusher")
    assert sign(logged_in(owner), f"private-cache-task-{task.pk}", socket_id).status_code == 400


# Ably


def redeem(emulator: Emulator, request: dict[str, Any]) -> AblyRestSync:
    opened = {"endpoint": "127.0.0.1", "port": emulator.port, "tls": False, "use_binary_protocol": False}
    return AblyRestSync(auth_callback=lambda _: request, **opened)


def test_an_ably_token_is_good_for_what_was_asked_for_alone(
    settings: Any, ably: Emulator, task: Task, owner: User
) -> None:
    use(settings, "ably", PROGRESS_ABLY_URL=ably.url)
    request = logged_in(owner).get("/events/ably/token/", {"channel": task_channel(task.pk)}).json()
    assert json.loads(request["capability"]) == {f"task-{task.pk}": ["history", "subscribe"]}
    reader = redeem(ably, request)
    assert reader.channels.get(task_channel(task.pk)).history().items == []
    with pytest.raises(AblyException, match="40160"):
        reader.channels.get(log_channel(task.pk)).history()
    with pytest.raises(AblyException, match="40160"):
        reader.channels.get(task_channel(task.pk)).publish("progress", "{}")
    reader.close()


def test_an_ably_token_for_a_channel_of_others_is_403(settings: Any, task: Task, owner: User, stranger: User) -> None:
    use(settings, "ably")
    for channel in (task_channel(task.pk), user_channel(owner.pk), "tasks"):
        assert logged_in(stranger).get("/events/ably/token/", {"channel": channel}).status_code == 403


@pytest.mark.parametrize("pattern", ["*", "news:*", "[*]*", "[meta]log", ":x"])
def test_an_ably_token_never_names_a_pattern_or_what_is_ably_s_own(settings: Any, owner: User, pattern: str) -> None:
    use(settings, "ably")
    settings.PROGRESS_MAY_READ = "tests.progress_app.transports.test_doors.everything_but_tasks"
    client = logged_in(owner)
    assert client.get("/events/ably/token/", {"channel": pattern}).status_code == 400
    both = client.get("/events/ably/token/", {"channel": [pattern, "news"]}).json()
    assert json.loads(both["capability"]) == {"news": ["history", "subscribe"]}


def test_an_ably_token_never_holds_the_secret(settings: Any, task: Task, owner: User) -> None:
    use(settings, "ably")
    answer = logged_in(owner).get("/events/ably/token/", {"channel": task_channel(task.pk)})
    assert ably_emulator.KEY_SECRET.encode() not in answer.content


# Both


@pytest.mark.parametrize("kind", ["pusher", "ably"])
def test_the_doors_are_closed_without_a_session_or_csrf(settings: Any, task: Task, owner: User, kind: str) -> None:
    use(settings, kind)
    asked = {"channel_name": f"private-cache-task-{task.pk}", "socket_id": SOCKET, "channel": f"task-{task.pk}"}
    address = {"pusher": "/events/pusher/auth/", "ably": "/events/ably/token/"}[kind]
    opened = Client().post(address, asked) if kind == "pusher" else Client().get(address, asked)
    assert opened.status_code == 401
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner)
    assert strict.post("/events/pusher/auth/", asked).status_code == 403


@pytest.mark.parametrize("kind", ["pusher", "ably"])
def test_the_door_of_a_transport_that_is_not_chosen_is_not_there(settings: Any, owner: User, kind: str) -> None:
    use(settings, {"pusher": "ably", "ably": "pusher"}[kind])
    client = logged_in(owner)
    answer = sign(client, "private-user-1") if kind == "pusher" else client.get("/events/ably/token/?channel=a")
    assert answer.status_code == 404


def test_the_token_answer_says_how_to_connect(settings: Any, task: Task, owner: User) -> None:
    use(settings, "pusher", PROGRESS_PUSHER_URL="", PROGRESS_PUSHER_CLUSTER="eu")
    told = ask(logged_in(owner), "pusher", task_channel(task.pk), f"user-{owner.pk}.tasks").json()
    assert told == {
        "transport": "pusher",
        "via": "pusher",
        "auth_url": "/events/pusher/auth/",
        "settings": {"key": pusher_emulator.KEY, "cluster": "eu"},
        "channels": {f"task-{task.pk}": f"private-cache-task-{task.pk}"},
    }


@pytest.mark.parametrize("kind", ["pusher", "ably"])
def test_the_token_answer_sends_clients_elsewhere_while_the_service_is_away(
    settings: Any, task: Task, owner: User, kind: str
) -> None:
    use(settings, kind)
    client = logged_in(owner)
    assert ask(client, kind, task_channel(task.pk)).json()["via"] == kind
    connections.backend().publishers[0]._tell(Condition.AWAY)  # type: ignore[attr-defined]
    hosted._known.transport = ""
    assert ask(client, kind, task_channel(task.pk)).json()["via"] == "sse"
    assert ask(client, "sse", task_channel(task.pk)).json()["via"] == "sse"


@pytest.mark.parametrize("condition", [Condition.AWAY, Condition.REFUSES])
def test_the_doctor_names_a_service_that_takes_nothing(settings: Any, staff: User, condition: Condition) -> None:
    use(settings, "pusher")
    assert "Pusher takes what is published" in logged_in(staff).get("/doctor/").content.decode()
    connections.backend().publishers[0]._tell(condition)  # type: ignore[attr-defined]
    told = diagnosis.transport("pusher", condition)
    assert told in doctor.installation()
    assert escape(told.remedy) in logged_in(staff).get("/doctor/").content.decode()


def test_the_snapshot_says_it_too_and_a_flip_changes_its_etag(settings: Any, task: Task, owner: User) -> None:
    use(settings, "ably")
    connections.backend().publish(Snapshot(task=str(task.pk), attempt=1))
    client, url = logged_in(owner), f"/tasks/{task.pk}/snapshot/"
    before = client.get(url)
    connections.backend().publishers[0]._tell(Condition.AWAY)  # type: ignore[attr-defined]
    hosted._known.transport = ""
    after = client.get(url, headers={"If-None-Match": before["ETag"]})
    assert (before.json()["via"], after.json()["via"]) == ("ably", "sse")


def test_where_sse_carries_the_events_the_snapshot_has_no_such_field(task: Task, owner: User) -> None:
    connections.backend().publish(Snapshot(task=str(task.pk), attempt=1))
    assert "via" not in logged_in(owner).get(f"/tasks/{task.pk}/snapshot/").json()


def test_polling_may_be_asked_for_and_what_is_not_set_up_is_400(task: Task, owner: User) -> None:
    client = logged_in(owner)
    assert ask(client, "poll", task_channel(task.pk)).json() == {"transport": "poll", "via": "sse"}
    refused = ask(client, "pusher", task_channel(task.pk))
    assert (refused.status_code, refused.json()["text"]) == (400, "transport='pusher': expected one of sse, poll.")


def test_redis_away_sends_clients_elsewhere(settings: Any, redis_db: redis.Redis) -> None:
    use(settings, "ably", PROGRESS_REDIS_URL="redis://127.0.0.1:1/0")
    assert hosted.via() == "sse"


# System checks


@pytest.mark.parametrize(
    ("kind", "wrong", "named"),
    [
        ("pusher", {"PROGRESS_PUSHER_APP_ID": "app-id"}, "PROGRESS_PUSHER_APP_ID: not as it must be, expected digits"),
        ("pusher", {"PROGRESS_PUSHER_KEY": ""}, "PROGRESS_PUSHER_KEY: missing"),
        ("pusher", {"PROGRESS_PUSHER_SECRET": ""}, "PROGRESS_PUSHER_SECRET: missing"),
        ("pusher", NO_URL, "PROGRESS_PUSHER_CLUSTER: missing"),
        ("pusher", {"PROGRESS_PUSHER_KEY": "the key"}, "PROGRESS_PUSHER_KEY: not as it must be"),
        ("pusher", {"PROGRESS_PUSHER_SECRET": "the-secret\n"}, "PROGRESS_PUSHER_SECRET: not as it must be"),
        (
            "pusher",
            {"PROGRESS_PUSHER_URL": "", "PROGRESS_PUSHER_CLUSTER": "eu.evil.test/"},
            "PROGRESS_PUSHER_CLUSTER: not as it must be",
        ),
        ("pusher", {"PROGRESS_PUSHER_URL": "localhost:6001"}, "PROGRESS_PUSHER_URL: not as it must be, expected http"),
        ("ably", {"PROGRESS_ABLY_URL": "ws://localhost"}, "PROGRESS_ABLY_URL: not as it must be, expected http"),
        ("ably", {"PROGRESS_ABLY_KEY": ""}, "PROGRESS_ABLY_KEY: missing"),
        ("ably", {"PROGRESS_ABLY_KEY": "the-secret"}, "PROGRESS_ABLY_KEY: not as it must be"),
    ],
)
def test_a_credential_that_cannot_be_right_is_named_with_a_hint_and_without_its_value(
    settings: Any, kind: str, wrong: dict[str, str], named: str
) -> None:
    use(settings, kind, **wrong)
    [error] = settings_fit()
    assert (error.id, error.msg.startswith(named), bool(error.hint)) == ("progress_app.E005", True, True)
    assert "the-secret" not in error.msg


def test_an_unknown_transport_is_an_error(settings: Any) -> None:
    settings.PROGRESS_TRANSPORT = "pigeons"
    [error] = settings_fit()
    assert (error.id, "pigeons" in error.msg) == ("progress_app.E004", True)


@pytest.mark.parametrize(("kind", "module"), [("pusher", "pusher"), ("ably", "ably.sync")])
def test_a_missing_client_library_says_what_to_install(
    settings: Any, monkeypatch: pytest.MonkeyPatch, kind: str, module: str
) -> None:
    use(settings, kind)
    with monkeypatch.context() as without:  # what tidies up behind the test needs the library again
        without.setitem(sys.modules, module, None)
        [error] = settings_fit()
    assert (error.id, f"pip install headway[{kind}]" in error.msg) == ("progress_app.E006", True)


def test_secrets_are_not_in_the_text_of_the_settings(settings: Any) -> None:
    use(settings, "pusher")
    assert pusher_emulator.SECRET not in repr(conf.get())
