"""The present state of a task: Redis, or the project's record where that knows more."""

import time
from typing import Any

import pytest
import redis

from progress_app import connections
from progress_app.events import PULSE_LOST_S, Snapshot, State
from progress_app.present import newer, present
from tests.progress_app.doubles import TASK, snapshot

ENDED = snapshot(state=State.LOST, attempt=1, pos=7)


def never_asked(_task: str) -> Snapshot | None:
    raise AssertionError("Redis knows enough")


def ended(task: str) -> Snapshot | None:
    return ENDED if task == TASK else None


def unknown(_task: str) -> Snapshot | None:
    return None


@pytest.fixture
def record(settings: Any) -> Any:
    """Make one of the functions above the project's record."""

    def be(function: Any) -> None:
        settings.PROGRESS_RECORD = f"{__name__}.{function.__name__}"

    return be


def report(**values: Any) -> int:
    return connections.backend().publish(snapshot(**{"ts": time.time(), **values})).pos


def silent() -> float:
    return time.time() - PULSE_LOST_S - 1


@pytest.mark.usefixtures("redis_db")
def test_a_task_with_a_pulse_costs_no_query(record: Any) -> None:
    record(never_asked)
    report(percent=42.0)
    shown = present(TASK)
    assert shown is not None
    assert (shown.state, shown.percent) == (State.RUNNING, 42.0)


@pytest.mark.usefixtures("redis_db")
def test_an_end_is_an_end_however_old(record: Any) -> None:
    record(never_asked)
    report(state=State.SUCCEEDED, ts=1.0)
    shown = present(TASK)
    assert shown is not None
    assert shown.state is State.SUCCEEDED


@pytest.mark.usefixtures("redis_db")
def test_a_task_that_lost_its_pulse_may_have_ended(record: Any) -> None:
    record(ended)
    pos = report(ts=silent())
    shown = present(TASK)
    assert shown is not None
    assert (shown.state, shown.pos) == (State.LOST, pos), "positions never go back"


@pytest.mark.usefixtures("redis_db")
def test_a_task_that_lost_its_pulse_and_has_no_record_is_shown_as_it_was(record: Any) -> None:
    record(unknown)
    report(ts=silent(), percent=42.0)
    shown = present(TASK)
    assert shown is not None
    assert (shown.state, shown.percent) == (State.RUNNING, 42.0)


@pytest.mark.usefixtures("redis_db")
def test_a_task_that_nobody_knows_is_none(record: Any) -> None:
    record(ended)
    assert present("0a1b2c3d-4e5f-4061-8273-8495a6b7c8d9") is None
    assert present(TASK) == ENDED


def test_with_redis_away_the_record_is_shown(record: Any, settings: Any) -> None:
    settings.PROGRESS_REDIS_URL = "redis://127.0.0.1:1/0"
    record(ended)
    assert present(TASK) == ENDED


@pytest.mark.parametrize("garbage", [b"{", b'{"task": 7}', b'{"task": "x", "state": "dancing"}', b"\xff"])
def test_what_redis_holds_and_nobody_can_read_counts_as_nothing(
    record: Any, redis_db: redis.Redis, garbage: bytes
) -> None:
    record(ended)
    redis_db.set(f"headway:{{{TASK}}}:now", b"1 1 progress\n" + garbage)
    assert present(TASK) == ENDED


LIVE = snapshot(attempt=2, pos=10)


@pytest.mark.parametrize(
    ("live", "recorded", "state", "pos"),
    [
        (LIVE, snapshot(attempt=2, pos=5), State.RUNNING, 10),
        (LIVE, snapshot(attempt=2, pos=50, state=State.CANCELLING), State.RUNNING, 10),
        (LIVE, snapshot(attempt=2, pos=5, state=State.FAILED), State.FAILED, 10),
        (LIVE, snapshot(attempt=2, pos=50, state=State.FAILED), State.FAILED, 50),
        (LIVE, snapshot(attempt=3, pos=5, state=State.QUEUED), State.QUEUED, 10),
        (LIVE, snapshot(attempt=1, pos=50, state=State.RETRYING), State.RUNNING, 10),
        (snapshot(state=State.FAILED, pos=10), snapshot(state=State.LOST, pos=50), State.FAILED, 10),
        (LIVE, None, State.RUNNING, 10),
        (None, ENDED, State.LOST, 7),
    ],
)
def test_which_of_two_is_nearer_to_the_truth(
    live: Snapshot | None, recorded: Snapshot | None, state: State, pos: int
) -> None:
    shown = newer(live, recorded)
    assert shown is not None
    assert (shown.state, shown.pos) == (state, pos)


def test_of_nothing_comes_nothing() -> None:
    assert newer(None, None) is None
