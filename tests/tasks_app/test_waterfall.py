"""The lanes of a task over time."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from progress_app.events import Snapshot, StageProgress, StageState, State
from tasks_app.models import Task
from tasks_app.waterfall import Lane, waterfall
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


def lanes(shown: Task, told: Snapshot | None, *children: Task, filled: int | None = None) -> tuple[Lane, ...]:
    picture = waterfall(shown, told, children, filled)
    assert picture is not None
    return picture.lanes


def drawn(shown: Task, told: Snapshot | None, *children: Task, filled: int | None = None) -> list[Any]:
    """Each lane's name, and the seconds of its begin and its length."""
    return [(lane.name, lane.begin_s, lane.seconds) for lane in lanes(shown, told, *children, filled=filled)]


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


def test_without_stages_the_run_is_one_lane() -> None:
    assert drawn(task(), None) == [("Waiting", 0, 10), ("Run", 10, 90)]
    assert [lanes(task(state=state), None)[-1].state for state in (State.SUCCEEDED, State.FAILED)] == ["done", "failed"]


def test_what_waits_grows_and_what_is_to_come_has_its_lane() -> None:
    waiting, *to_come = lanes(TaskFactory.create(), snapshot(("Read", 0, 0), ("Load", 0, 0)))
    assert (waiting.name, waiting.is_open) == ("Waiting", True)
    assert [(lane.name, lane.seconds, lane.is_open) for lane in to_come] == [("Read", 0, False), ("Load", 0, False)]


def test_what_runs_is_open_and_where_a_task_failed_is_shown() -> None:
    told = Snapshot(task="1", stages=(StageProgress(name="Read", seconds=5, state=StageState.RUNNING),))
    assert [lane.is_open for lane in lanes(task(state=State.RUNNING, finished_at=None), told)] == [False, True]
    failed = lanes(task(state=State.FAILED), told)[1]
    assert (failed.state, failed.is_open) == ("failed", False)


def test_children_are_one_lane_of_lines_and_their_stage_is_as_long() -> None:
    times = [(20, 50), (10, 30)]
    children = [
        task(
            number=number, started_at=NOW + timedelta(seconds=begin),
            finished_at=NOW + timedelta(seconds=end),
        )
        for number, (begin, end) in enumerate(times)
    ]  # fmt: skip
    told = snapshot(("Check", 0, 0), ("Scale", 0, 0), ("Pack", 5, 0))
    whole = task()
    assert drawn(whole, told, *children, filled=1) == [
        ("Waiting", 0, 10), ("Check", 10, 0), ("Scale", 10, 40), ("Pack", 50, 5), ("Parts", 10, 40),
    ]  # fmt: skip
    pieces = lanes(whole, told, *children)[-1].pieces
    assert [(piece.begin_s, piece.seconds, piece.is_open) for piece in pieces] == [
        (10, 20, False), (20, 30, False),
    ]  # fmt: skip
    assert [round(piece.row, 3) for piece in pieces] == [0, 0.5]


@pytest.mark.parametrize(
    ("seconds", "texts"),
    [(0.9, ["0 s", "0.2 s", "0.4 s", "0.6 s", "0.8 s"]), (100, ["0 s", "20 s", "40 s", "1 min 00 s", "1 min 20 s"])],
)
def test_the_axis_has_round_times(seconds: float, texts: list[str]) -> None:
    picture = waterfall(task(finished_at=NOW + timedelta(seconds=seconds), started_at=NOW), None)
    assert picture is not None
    assert [tick.text for tick in picture.ticks] == texts


def test_nothing_leaves_the_picture() -> None:
    for lane in lanes(task(), snapshot(("Read", 1e9, 0), ("Load", 1e9, 0))):
        assert lane.begin_s >= 0
        assert lane.begin_s + lane.seconds <= 100.01
