"""Each end is told to the viewers, also when its worker died right after writing it."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from progress_app import connections
from progress_app.channels import log_channel
from progress_app.events import LogEntry, Snapshot, State
from progress_app.exceptions import BackendUnavailable
from tasks_app import endings
from tasks_app.models import Mark, Task
from tests.factories import TaskFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_db")]


def ago(seconds: float) -> Any:
    return timezone.now() - timedelta(seconds=seconds)


@pytest.fixture(autouse=True)
def looked_an_hour_ago() -> None:
    Mark.objects.create(name="ends", at=ago(3600))


def ended(seconds_ago: float, shown: State | None) -> Task:
    """Give a task that ended so long ago, and is shown in this state."""
    task = TaskFactory.create(ended=True, finished_at=ago(seconds_ago))
    if shown is not None:
        connections.backend().publish(Snapshot(task=str(task.pk), attempt=1, state=shown, ts=1.0))
    return task


def shown(task: Task) -> State:
    found = connections.backend().read_snapshot(str(task.pk))
    assert found is not None
    return found.state


def test_an_end_that_was_written_and_not_told_is_told() -> None:
    task = ended(600, State.RUNNING)
    assert endings.tell() == 1
    assert shown(task) is State.SUCCEEDED
    assert endings.tell() == 0


def line(number: int) -> dict[str, Any]:
    return {"level": "info", "text": f"line {number}", "ts": float(number)}


@pytest.mark.parametrize("told", [0, 1, 3])
def test_with_the_end_come_the_lines_of_the_log_that_were_not_told(told: int) -> None:
    task = ended(600, State.RUNNING)
    Task.objects.filter(pk=task.pk).update(log=[line(number) for number in range(3)])
    backend, pk = connections.backend(), str(task.pk)
    before = [LogEntry(task=pk, **line(number)) for number in range(told)]
    backend.publish(Snapshot(task=pk, attempt=1, state=State.RUNNING, ts=1.0), before)
    assert endings.tell() == 1
    channel = backend.replay(log_channel(pk), None, 100)
    assert [LogEntry.from_json(entry.data).text for entry in channel] == ["line 0", "line 1", "line 2"]


def test_lines_that_stand_beside_somebody_elses_are_not_told_twice() -> None:
    task = ended(600, State.RUNNING)
    Task.objects.filter(pk=task.pk).update(log=[line(1)])
    connections.backend().append(log_channel(task.pk), "other", b"{}")
    assert endings.tell() == 1
    assert len(connections.backend().replay(log_channel(task.pk), None, 100)) == 1


def test_an_end_that_was_told_or_that_redis_forgot_is_left_alone() -> None:
    ended(600, State.SUCCEEDED)
    ended(600, None)
    assert endings.tell() == 0


def test_an_end_that_its_worker_may_be_telling_right_now_is_left_to_it() -> None:
    task = ended(1, State.RUNNING)
    assert endings.tell() == 0
    Task.objects.filter(pk=task.pk).update(finished_at=ago(10))
    assert endings.tell() == 1


def test_no_end_is_passed_over_while_redis_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    task = ended(600, State.RUNNING)

    def away(*_args: Any) -> Any:
        raise BackendUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(connections.backend(), "unfinished", away)
        assert endings.tell() == 0
    assert endings.tell() == 1
    assert shown(task) is State.SUCCEEDED


def test_what_was_looked_at_is_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    unfinished = connections.backend().unfinished

    def ask(tasks: list[str]) -> list[str]:
        asked.append(len(tasks))
        return unfinished(tasks)

    monkeypatch.setattr(connections.backend(), "unfinished", ask)
    for seconds in (300, 200, 100):
        ended(seconds, State.SUCCEEDED)
    for _ in range(3):
        endings.tell()
    assert asked == [3, 1, 1], "the newest one stays: others may have ended in the same moment"
