"""A waiting task's place, and what a viewer is told of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from progress_app.events import State
from tasks_app.line import place_of
from tasks_app.models import Task
from tasks_app.record import recorded_snapshot
from tests.factories import TaskFactory

pytestmark = pytest.mark.django_db


def waits(seconds: float, **fields: Any) -> Task:
    return TaskFactory.create(created_at=timezone.now() - timedelta(seconds=seconds), **fields)


def position(task: Task) -> int | None:
    place = place_of(task)
    return place.position if place else None


def starts_in_s(task: Task) -> float | None:
    place = place_of(task)
    assert place is not None
    return place.starts_in_s


def runs(seconds: float, **fields: Any) -> Task:
    return TaskFactory.create(running=True, started_at=timezone.now() - timedelta(seconds=seconds), **fields)


def took(seconds: float, **fields: Any) -> None:
    begun = timezone.now() - timedelta(seconds=60)
    TaskFactory.create(ended=True, started_at=begun, finished_at=begun + timedelta(seconds=seconds), **fields)


def test_the_place_counts_who_came_before_in_the_same_queue() -> None:
    first, second, third = waits(30), waits(20), waits(10)
    waits(40, queue="other")
    waits(50, state=State.SUCCEEDED)
    assert [position(task) for task in (first, second, third)] == [1, 2, 3]


def test_a_more_urgent_task_goes_first() -> None:
    patient, urgent = waits(30, priority=5), waits(10, priority=1)
    assert [position(urgent), position(patient)] == [1, 2]


def test_who_has_begun_has_no_place() -> None:
    assert place_of(TaskFactory.create(running=True)) is None
    assert place_of(TaskFactory.create(ended=True)) is None


def test_the_start_is_forecast_only_from_what_is_known() -> None:
    task = waits(10)
    assert place_of(task) is not None
    assert starts_in_s(task) is None
    runs(5)
    assert starts_in_s(task) is None
    took(20)
    assert starts_in_s(task) == pytest.approx(15, abs=4)


def test_a_slot_is_free_when_its_task_should_end_by_its_own_pace() -> None:
    took(2)
    runs(100, percent=50.0)
    first, second, third = waits(30), waits(20), waits(10)
    assert starts_in_s(first) == pytest.approx(100, abs=5), "and not in 2 s, as tasks usually take"
    assert starts_in_s(second) == pytest.approx(102, abs=5)
    runs(60, percent=90.0)
    assert starts_in_s(first) == pytest.approx(6.7, abs=2)
    assert starts_in_s(third) == pytest.approx(10.7, abs=2)


def test_each_task_in_line_takes_what_its_own_job_takes() -> None:
    for seconds, job in ((2, "quick"), (2, "quick"), (300, "long")):
        took(seconds, job=job)
    runs(10, percent=50.0)
    last = waits(5)
    assert starts_in_s(last) == pytest.approx(10, abs=4)
    waits(30, job="quick")
    assert starts_in_s(last) == pytest.approx(12, abs=4)
    waits(20, job="long")
    assert starts_in_s(last) == pytest.approx(312, abs=6)


def test_where_it_hangs_on_what_nobody_knows_no_time_is_told() -> None:
    runs(10, percent=50.0)
    last = waits(5)
    waits(30, job="new")
    assert starts_in_s(last) is None
    for seconds in (2, 3, 40, 300, 500):
        took(seconds, job="new")
    assert starts_in_s(last) is None


def test_nothing_is_forecast_from_what_runs_beyond_all_that_is_usual() -> None:
    took(2)
    runs(60, percent=None)
    assert starts_in_s(waits(10)) is None


def test_a_retry_waits_for_its_moment() -> None:
    task = waits(10, state=State.RETRYING, next_at=timezone.now() + timedelta(seconds=100))
    place = place_of(task)
    assert place is not None
    assert place.starts_in_s == pytest.approx(100, abs=5)


def test_a_viewer_is_told_the_place() -> None:
    waits(30)
    shown = recorded_snapshot(str(waits(10).pk))
    assert shown is not None
    assert shown.queue is not None
    assert shown.queue.position == 2
