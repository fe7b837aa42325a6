"""Tokens for Ably: for what was asked for, and for who may read it."""

import json
from typing import Any

import pytest
from ably.sync import AblyRestSync
from ably.sync.util.exceptions import AblyException
from django.contrib.auth.models import User

from progress_app.channels import log_channel, task_channel, user_channel
from tasks_app.models import Task
from tests.emulators import ably_keys
from tests.emulators.service import Emulator
from tests.progress_app.transports.doors.knocking import logged_in, use

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "redis_db")]


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
    settings.PROGRESS_MAY_READ = "tests.progress_app.transports.doors.knocking.everything_but_tasks"
    client = logged_in(owner)
    assert client.get("/events/ably/token/", {"channel": pattern}).status_code == 400
    both = client.get("/events/ably/token/", {"channel": [pattern, "news"]}).json()
    assert json.loads(both["capability"]) == {"news": ["history", "subscribe"]}


def test_an_ably_token_never_holds_the_secret(settings: Any, task: Task, owner: User) -> None:
    use(settings, "ably")
    answer = logged_in(owner).get("/events/ably/token/", {"channel": task_channel(task.pk)})
    assert ably_keys.KEY_SECRET.encode() not in answer.content
