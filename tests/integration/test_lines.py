"""Queues and priorities, with real workers: what is short does not wait behind what is long."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from progress_app.events import State
from tasks_app import lifecycle
from tasks_app.models import Task
from tests.integration.conftest import Jobs
from tests.processes import until
from tests.stack import Worker

pytestmark = pytest.mark.long


@pytest.fixture
def jobs(tmp_path: Path, staff: User) -> Jobs:
    return Jobs(tmp_path / "journal", staff)


def states(*tasks: Task) -> set[str]:
    return set(Task.objects.filter(pk__in=[task.pk for task in tasks]).values_list("state", flat=True))


def test_short_jobs_are_not_stuck_behind_long_ones(workers: Callable[..., Worker], jobs: Jobs) -> None:
    workers("short", concurrency=1, queues="default")
    workers("long", concurrency=1, queues="long")
    long = [jobs.start("steady", seconds=60, queue="long") for _ in range(3)]
    until(lambda: State.RUNNING in states(*long), what="a long one runs")
    short = [jobs.start("steady", seconds=0) for _ in range(5)]
    until(lambda: states(*short) == {State.SUCCEEDED}, what="the short ones end")
    assert states(*long) == {State.RUNNING, State.QUEUED}


def test_many_are_cancelled_while_they_hold_every_slot(workers: Callable[..., Worker], jobs: Jobs, staff: User) -> None:
    workers("busy", concurrency=1, queues="default")
    workers("urgent", concurrency=1, queues="urgent")
    tasks = [jobs.start("steady", seconds=60) for _ in range(3)]
    until(lambda: State.RUNNING in states(*tasks), what="the only slot is taken")
    data = {"verb": "cancel", "ids": " ".join(str(task.pk) for task in tasks)}
    chore = lifecycle.enqueue("change_tasks", user=staff, data=data)
    until(lambda: states(chore) == {State.SUCCEEDED}, what="the chore has ended")
    until(lambda: states(*tasks) == {State.CANCELLED}, what="all are cancelled")
    chore.refresh_from_db()
    assert chore.result is not None
    assert chore.result["done"] == len(tasks)


def test_what_is_urgent_goes_first_and_the_rest_in_its_order(workers: Callable[..., Worker], jobs: Jobs) -> None:
    tasks = [jobs.start("steady", seconds=0, priority=priority) for priority in (9, 5, 5, 0)]
    workers("priorities", concurrency=1)
    until(lambda: states(*tasks) == {State.SUCCEEDED}, what="all end")
    started = Task.objects.order_by("started_at").values_list("pk", flat=True)
    assert list(started) == [tasks[n].pk for n in (3, 1, 2, 0)]
