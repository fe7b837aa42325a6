"""Subscriptions to Pusher, signed for who may read."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from progress_app import connections
from tasks_app.models import Task
from tests.emulators import pusher as pusher_emulator
from tests.progress_app.transports.doors.knocking import SOCKET, logged_in, sign, use

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "redis_db")]


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
    settings.PROGRESS_MAY_READ = "tests.progress_app.transports.doors.knocking.everything_but_tasks"
    assert sign(logged_in(owner), f"private-cache-task-{task.pk}").status_code == 403
    assert connections.transport().wire_name(f"cache-task-{task.pk}") is None  # type: ignore[union-attr]


@pytest.mark.parametrize("socket_id", ["", "1", "1.2:private-cache-x", "1.2\n", "x" * 5000])
def test_a_forged_socket_id_is_400(settings: Any, task: Task, owner: User, socket_id: str) -> None:
    use(settings, "pusher")
    assert sign(logged_in(owner), f"private-cache-task-{task.pk}", socket_id).status_code == 400
