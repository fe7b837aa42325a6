"""Checkpoints: what a job leaves is what its next attempt gets, and the bar goes on from there."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from progress_app.backends.memory import MemoryBackend
from progress_app.checkpoint import LIMIT_BYTES, NONE, Checkpoint, Passed, checked
from progress_app.events import Snapshot, StageState, State
from progress_app.exceptions import UsageError
from progress_app.host import Past
from progress_app.reporter import Reporter
from tests.progress_app.doubles import TASK, FakeHost

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


def attempt(past: Past | None = None, number: int = 2, **changes: Any) -> Reporter:
    settings: dict[str, Any] = {"task": TASK, "job": "import_csv", "attempt": number, "stages": ("Read", "Load")}
    return Reporter(backend=MemoryBackend(), host=FakeHost(), past=past or Past(), **(settings | changes))


def shown(progress: Reporter) -> Snapshot:
    return progress.teller._snapshot()


def left_by(progress: Reporter) -> Past:
    """What the next attempt is given, by way of JSON."""
    host: Any = progress._host
    return Past(checkpoint=Checkpoint.from_json(host.checkpoints[-1].to_json()))


@given(data=JSON)
def test_what_is_kept_is_what_comes_back(data: Any) -> None:
    point = Checkpoint(percent=62.0, passed=(Passed(name="Read ä\ud800", seconds=1.5),), data=checked(data))
    again = Checkpoint.from_json(point.to_json())
    assert (again.percent, again.data) == (62.0, json.loads(json.dumps(data)))
    point.to_json().encode("ascii")


def test_no_checkpoint_is_the_empty_one() -> None:
    assert Checkpoint.from_json("") == NONE
    assert attempt().checkpointed is None


@pytest.mark.parametrize("data", [{1, 2}, object(), float("nan"), b"x", {(1, 2): 3}])
def test_what_is_no_json_is_refused_with_its_remedy(data: Any) -> None:
    with pytest.raises(UsageError, match="cannot keep this as JSON"):
        attempt().checkpoint(data)


def test_what_refers_to_itself_is_refused() -> None:
    data: list[Any] = []
    data.append(data)
    with pytest.raises(UsageError, match="cannot keep this as JSON"):
        attempt().checkpoint(data)


def test_what_is_too_large_is_refused_with_its_size() -> None:
    checked("x" * (LIMIT_BYTES - 2))
    with pytest.raises(UsageError, match="65,537 bytes"):
        checked("x" * (LIMIT_BYTES - 1))


def test_what_the_job_changes_later_is_not_in_the_checkpoint() -> None:
    progress, seen = attempt(), {"row": 1}
    progress.checkpoint(seen)
    seen["row"] = 2
    assert attempt(left_by(progress)).checkpointed == {"row": 1}


def test_the_next_attempt_goes_on_from_there_and_says_so() -> None:
    first = attempt(number=1)
    with first.stage("Read"):
        pass
    with pytest.raises(KeyboardInterrupt), first.stage("Load", total=100, unit="rows"):
        first.advance(24)
        first.checkpoint({"row": 24})
        first.advance(10)
        raise KeyboardInterrupt
    second = attempt(left_by(first))
    assert (second.checkpointed, shown(second).percent) == ({"row": 24}, 62.0)
    assert shown(second).message == "Going on from 62 %"
    assert [entry.text for entry in second.log_entries()] == ["Going on from 62 % (attempt 2)."]
    assert [stage.state for stage in shown(second).stages] == [StageState.DONE, StageState.PENDING]
    with second.stage("Load", total=100, unit="rows"):
        second.update(current=24)
        assert shown(second).percent == 62.0
        second.advance(26)
        assert (shown(second).percent, shown(second).current) == (75.0, 50)


def test_a_plan_made_anew_keeps_what_is_over() -> None:
    first = attempt(number=1)
    first.plan({"One": 3, "Two": 1})
    with first.stage("One"):
        pass
    first.checkpoint(1)
    second = attempt(left_by(first))
    second.plan({"One": 3, "Two": 1})
    assert shown(second).percent == 75.0
    with second.stage("Two", total=2):
        second.advance()
        assert shown(second).percent == 87.5


def test_a_stage_that_was_over_may_run_again_and_the_bar_does_not_go_back() -> None:
    first = attempt(number=1)
    with first.stage("Read"):
        pass
    first.checkpoint("again")
    second = attempt(left_by(first))
    with second.stage("Read", total=10):
        second.advance(5)
        assert shown(second).percent == 50.0
        assert shown(second).stages[0].state is StageState.RUNNING
    with second.stage("Load", total=10):
        second.advance(5)
        assert shown(second).percent == 75.0


def test_a_bar_without_stages_waits_at_its_percentage_for_its_total() -> None:
    first = attempt(number=1, stages=())
    first.update(current=62, total=100)
    first.checkpoint(62)
    second = attempt(left_by(first), stages=())
    assert shown(second).percent == 62.0
    second.update(current=62, total=100)
    second.advance(8)
    assert shown(second).percent == 70.0


def test_an_unknown_length_stays_unknown() -> None:
    first = attempt(number=1, stages=())
    first.advance(7)
    first.checkpoint(7)
    second = attempt(left_by(first), stages=())
    assert shown(second).percent is None
    assert shown(second).message == "Going on from a checkpoint"


def test_time_counts_from_the_first_attempt() -> None:
    end = attempt(Past(elapsed_s=1_000.0)).settle(State.FAILED)
    assert end.elapsed is not None
    assert end.elapsed >= 1_000.0
