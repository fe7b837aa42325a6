"""Which way clients are told to take, and who is told."""

import json
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.test import Client
from django.utils.html import escape

from progress_app import connections, hosted
from progress_app.breaker import Condition
from progress_app.channels import task_channel
from progress_app.events import Snapshot
from tasks_app import diagnosis, doctor
from tasks_app.models import Task
from tests.emulators import pusher as pusher_emulator
from tests.progress_app.transports.doors.knocking import SOCKET, logged_in, sign, use

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "redis_db")]


def ask(client: Client, transport: str, *channels: str) -> Any:
    body = json.dumps({"channels": channels, "transport": transport})
    return client.post("/events/token/", body, content_type="application/json")


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
