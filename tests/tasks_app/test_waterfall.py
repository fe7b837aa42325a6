"""The lanes of a task over time."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from progress_app.events import Snapshot, StageProgress, StageState, State
from tasks_app.models import Task
from tasks_app.waterfall import lanes
from tests.factories import TaskFactory

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def task(**fields: Any) -> Task:
    times = {"created_at": NOW, "started_at": NOW + timedelta(seconds=10), "finished_at": NOW + timedelta(seconds=100)}
    return TaskFactory.create(**({"state": State.SUCCEEDED, "attempt": 1} | times | fields))


def snapshot(*stages: tuple[str, float, int]) -> Snapshot:
    shown = tuple(
        StageProgress(name=name, seconds=seconds, depth=depth, state=StageState.DONE) for name, seconds, depth in stages
    )
    return Snapshot(task="1", stages=shown)


def drawn(shown: Task, told: Snapshot | None) -> list[tuple[str, float, float]]:
    return [(lane.name, lane.start, lane.width) for lane in lanes(shown, told)]


def test_stages_follow_each_other_and_parts_begin_with_their_whole() -> None:
    told = snapshot(("Read", 30, 0), ("Load", 60, 0), ("Rows", 20, 1), ("Index", 40, 1))
    assert drawn(task(), told) == [
        ("Waiting", 0, 10), ("Read", 10, 30), ("Load", 40, 60), ("Rows", 40, 20), ("Index", 60, 40),
    ]  # fmt: skip


def test_an_earlier_attempt_has_its_lane_and_the_stages_end_with_the_task() -> None:
    past = {
        "number": 1, "worker": "w", "started_at": NOW.timestamp() + 10, "ended_at": NOW.timestamp() + 40,
        "ending": "failed", "code": "", "text": "", "traceback": "",
    }  # fmt: skip
    assert drawn(task(attempt=2, past_attempts=[past]), snapshot(("Read", 50, 0))) == [
        ("Waiting", 0, 10), ("Attempt 1", 10, 30), ("Read", 50, 50),
    ]  # fmt: skip


def test_a_single_lane_says_nothing() -> None:
    assert drawn(task(), None) == []
    assert drawn(TaskFactory.create(), None) == []


def test_nothing_leaves_the_picture() -> None:
    for lane in lanes(task(), snapshot(("Read", 1e9, 0), ("Load", 1e9, 0))):
        assert lane.start >= 0
        assert lane.start + lane.width <= 100.01
