"""Cancelling: at once what waits, by asking what runs."""

from typing import Any

import pytest
import redis
from django.contrib.auth.models import User

from progress_app import connections
from progress_app.events import State
from progress_app.exceptions import BackendUnavailable
from tasks_app import lifecycle
from tests.factories import TaskFactory

pytestmark = pytest.mark.django_db(transaction=True)


def away(*_args: Any, **_options: Any) -> None:
    raise BackendUnavailable("away")


def test_a_waiting_task_is_cancelled_at_once_and_its_end_is_told(owner: User, redis_db: redis.Redis) -> None:
    task = TaskFactory.create(owner=owner)
    lifecycle.cancel(task, user=owner)
    task.refresh_from_db()
    assert (task.state, task.finished_at is not None, task.end_sent) == (State.CANCELLED, True, True)
    shown = connections.backend().read_snapshot(str(task.pk))
    assert shown is not None
    assert shown.state is State.CANCELLED


def test_a_running_task_is_asked(owner: User, redis_db: redis.Redis) -> None:
    task = TaskFactory.create(owner=owner, running=True)
    lifecycle.cancel(task, user=owner)
    task.refresh_from_db()
    assert (task.state, task.finished_at) == (State.CANCELLING, None)
    assert redis_db.get(f"headway:{{{task.pk}}}:cancel")
    assert lifecycle.cancel(task, user=owner).state == State.CANCELLING, "asking twice is no fault"


def test_a_fault_of_redis_does_not_touch_the_cancel(owner: User, staff: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for verb in ("publish", "request_cancel"):
        monkeypatch.setattr(connections.backend(), verb, away)
    waiting, running = TaskFactory.create(owner=owner), TaskFactory.create(running=True)
    assert lifecycle.cancel(waiting, user=owner).state == State.CANCELLED
    assert lifecycle.cancel(running, user=staff).state == State.CANCELLING
    waiting.refresh_from_db()
    assert not waiting.end_sent, "maintenance sends it"


def test_an_ended_task_cannot_be_cancelled(owner: User) -> None:
    with pytest.raises(lifecycle.Refused, match="already ended"):
        lifecycle.cancel(TaskFactory.create(owner=owner, ended=True), user=owner)


def test_only_owner_and_staff_cancel_and_retry(colleague: User, stranger: User, group: Any) -> None:
    for person in (colleague, stranger):
        with pytest.raises(lifecycle.NotAllowed):
            lifecycle.cancel(TaskFactory.create(group=group), user=person)
        with pytest.raises(lifecycle.NotAllowed):
            lifecycle.retry(TaskFactory.create(group=group, ended=True), user=person)
