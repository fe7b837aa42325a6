"""Families of tasks in real workers: end to end, and through a killed worker, a cancel, and a Redis without data."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

import tests.family_jobs  # noqa: F401  (maintenance runs in this process and asks the catalogue)
from progress_app import connections
from progress_app.events import Children, Snapshot, State
from tasks_app import epoch, lifecycle, outbox
from tasks_app.maintenance import maintain
from tasks_app.models import Task
from tests.factories import TaskFactory
from tests.processes import until
from tests.stack import Valkey, Worker

pytestmark = pytest.mark.long

FAMILY = "tests.family_jobs"
FEW_AHEAD = {"TASKS_CHILDREN_AHEAD": "20", "TASKS_FINALLY_S": "0.3"}
SHORT_LEASE = {"TASKS_LEASE_S": "3", "TASKS_RENEW_S": "1"}
Workers = Callable[..., Worker]


class Whole:
    """One task with children, and the journal that they write."""

    def __init__(self, journal: Path, owner: User) -> None:
        self.journal = journal
        self.owner = owner
        self.task = Task()

    def start(self, size: int, *, seconds: float = 0, fails_at: int = -1, on_failure: str = "stop") -> None:
        params = {"size": size, "seconds": seconds, "fails_at": fails_at, "on_failure": on_failure}
        self.task = TaskFactory.create(
            job="whole", params=params | {"journal": str(self.journal)}, owner=self.owner
        )  # fmt: skip
        assert outbox.publish(self.task)

    def until_done(self, count: int) -> None:
        until(lambda: len(self.lines()) >= count, what=f"{count} parts done")

    def ended(self) -> Task:
        """Wait for the end, with maintenance as beat would have it done."""
        until(lambda: maintain() and Task.objects.get(pk=self.task.pk).is_final, 60, what="the end of the whole")
        until(lambda: self.shown().is_final, what="its end told")  # which comes after the row's
        self.task.refresh_from_db()
        return self.task

    def lines(self) -> list[list[str]]:
        return [line.split() for line in self.journal.read_text().splitlines()] if self.journal.exists() else []

    def states(self) -> Counter[str]:
        return Counter(self.task.children.values_list("state", flat=True))

    def shown(self) -> Snapshot:
        connections.backend().rolled_up(str(self.task.pk))
        found = connections.backend().read_snapshot(str(self.task.pk))
        assert found is not None
        return found


@pytest.fixture
def whole(tmp_path: Path, staff: User, settings: Any) -> Whole:
    settings.TASKS_CHILDREN_AHEAD = 20
    return Whole(tmp_path / "journal", staff)


@pytest.mark.parametrize("concurrency", [1, 2])
def test_two_hundred_children_run_once_each_and_their_parent_goes_on(
    workers: Workers, whole: Whole, concurrency: int
) -> None:
    workers("family", FEW_AHEAD, include=FAMILY, concurrency=concurrency)
    whole.start(200)
    task = whole.ended()
    assert (task.state, task.result, task.attempt) == ("succeeded", {"sum": sum(range(200)), "failed": 0}, 2)
    assert sorted(int(line[0]) for line in whole.lines()) == list(range(200))
    told = whole.shown()
    assert (told.state, told.percent, told.children) == ("succeeded", 100.0, Children(total=200, done=200))
    assert [stage.name for stage in told.stages] == ["Spread", "Run", "Join"]


def test_the_bar_moves_with_its_children(workers: Workers, whole: Whole) -> None:
    workers("family", FEW_AHEAD, include=FAMILY, concurrency=2)
    whole.start(4, seconds=60)
    seen: list[float] = []

    def has_moved() -> bool:
        live = connections.backend().read_snapshot(str(whole.task.pk))
        if live is not None and live.percent not in (None, *seen[-1:]):
            seen.append(live.percent or 0.0)
        return len(seen) > 8

    until(has_moved, what="a bar that moves before any child has ended")
    assert seen == sorted(seen)
    lifecycle.cancel(Task.objects.get(pk=whole.task.pk), user=whole.owner)
    assert whole.ended().state == State.CANCELLED


def test_a_failure_stops_the_others(workers: Workers, whole: Whole) -> None:
    workers("family", FEW_AHEAD, include=FAMILY, concurrency=2)
    whole.start(60, seconds=60, fails_at=1)
    task = whole.ended()
    assert (task.state, task.error_code) == ("failed", "children_failed")
    assert "part 2: It was told to fail." in task.error_text
    assert whole.states() == {"failed": 1, "cancelled": 59}


def test_a_failure_is_told_where_the_others_go_on(workers: Workers, whole: Whole) -> None:
    workers("family", FEW_AHEAD, include=FAMILY, concurrency=2)
    whole.start(30, fails_at=3, on_failure="go on")
    assert whole.ended().result == {"sum": sum(range(30)) - 3, "failed": 1}


def test_a_cancel_reaches_every_child(workers: Workers, whole: Whole) -> None:
    workers("family", FEW_AHEAD, include=FAMILY, concurrency=2)
    whole.start(60, seconds=0.2)
    whole.until_done(2)
    lifecycle.cancel(Task.objects.get(pk=whole.task.pk), user=whole.owner)
    assert whole.ended().state == State.CANCELLED
    assert set(whole.states()) == {"cancelled", "succeeded"}
    told = whole.shown()
    assert (told.state, told.children.total) == ("cancelled", 60)


def test_a_worker_killed_half_way_loses_nothing(workers: Workers, whole: Whole) -> None:
    worker = workers("family", FEW_AHEAD | SHORT_LEASE, include=FAMILY, concurrency=2)
    whole.start(60, seconds=0.1)
    whole.until_done(10)
    worker.service.kill()
    worker.start()
    task = whole.ended()
    assert (task.state, task.result) == ("succeeded", {"sum": sum(range(60)), "failed": 0})


def test_a_redis_that_lost_its_data_half_way_costs_nothing(workers: Workers, whole: Whole, valkey: Valkey) -> None:
    workers("family", FEW_AHEAD, include=FAMILY, concurrency=2)
    epoch.begin()
    whole.start(60, seconds=0.1)
    whole.until_done(10)
    valkey.empty()
    task = whole.ended()
    assert (task.state, task.result) == ("succeeded", {"sum": sum(range(60)), "failed": 0})
    assert whole.shown().children == Children(total=60, done=60)
