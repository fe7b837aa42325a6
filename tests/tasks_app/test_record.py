"""A row as a snapshot: what is shown when Redis has nothing."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from progress_app.backends.base import first_position
from progress_app.events import Snapshot, State
from tasks_app.models import Task
from tasks_app.record import recorded_snapshot
from tests.factories import TaskFactory

pytestmark = pytest.mark.django_db


def recorded(task: Task) -> Snapshot:
    found = recorded_snapshot(str(task.pk))
    assert found is not None
    return found


def test_a_queued_task() -> None:
    shown = recorded(TaskFactory.create())
    assert (shown.state, shown.percent, shown.pos, shown.started_at) == (State.QUEUED, None, 0, None)


def test_a_running_task_as_its_worker_noted_it_last() -> None:
    noted = Snapshot(task="x", state=State.RUNNING, percent=42.0, message="Loading", pos=7)
    task = TaskFactory.create(running=True, snapshot=noted.to_json().decode())
    shown = recorded(task)
    assert (shown.percent, shown.message, shown.attempt) == (42.0, "Loading", 1)


@pytest.mark.parametrize("noted", ["", "{", '{"v": 9, "task": 1}'])
def test_a_note_that_cannot_be_read_is_passed_over(noted: str) -> None:
    assert recorded(TaskFactory.create(running=True, snapshot=noted)).state is State.RUNNING


def test_an_end_lies_above_every_position_that_can_have_been_given() -> None:
    began, ended = timezone.now() - timedelta(seconds=9), timezone.now()
    shown = recorded(TaskFactory.create(ended=True, started_at=began, finished_at=ended))
    assert shown.pos > first_position(ended.timestamp()) + 9 * 10
    assert (shown.state, shown.percent) == (State.SUCCEEDED, 100.0)


def test_a_failure_says_why() -> None:
    task = TaskFactory.create(ended=True, state=State.FAILED, error_code="nope", error_text="It was too big.")
    error = recorded(task).error
    assert error is not None
    assert (error.code, error.text) == ("nope", "It was too big.")


@pytest.mark.parametrize("unknown", ["", "nonsense", "6f0c1111-2222-3333-4444-555566667777", "x" * 1000])
def test_an_unknown_or_malformed_id_has_no_record(unknown: str) -> None:
    assert recorded_snapshot(unknown) is None


@pytest.mark.parametrize("how", [{}, {"published_at": None}, {"state": State.RUNNING, "attempt": 1}])
def test_a_task_that_has_told_nothing_yet_shows_the_stages_to_come(how: dict[str, Any]) -> None:
    shown = recorded_snapshot(str(TaskFactory.create(job="profile_csv", **how).pk))
    assert shown is not None
    assert [(stage.name, str(stage.state)) for stage in shown.stages] == [
        ("Read", "pending"), ("Profile", "pending"), ("Report", "pending"),
    ]  # fmt: skip
    gone = recorded_snapshot(str(TaskFactory.create(job="gone").pk))
    assert gone is not None
    assert gone.stages == ()
