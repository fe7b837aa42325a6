"""The last snapshot, and whatever a job may say before it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from progress_app.events import Fault, Snapshot, StageRef, StageState, State
from progress_app.ledger import LONGEST_MESSAGE, LONGEST_NAME, OPENING_S
from tests.progress_app.doubles import Clock
from tests.progress_app.ledger.ledgers import go, ledger_of, shown


def test_success_of_unknown_length_is_100_percent_too() -> None:
    ledger = ledger_of()
    ledger.count(3)
    assert shown(ledger).percent is None
    assert ledger.close(State.SUCCEEDED, None, None).percent == 100.0


def test_success_is_100_percent_whatever_was_counted() -> None:
    ledger = ledger_of("Read", "Load")
    ledger.count(3)
    last = ledger.close(State.SUCCEEDED, None, None)
    assert (last.state, last.percent, last.stage, last.rate, last.current) == (State.SUCCEEDED, 100.0, None, None, 3)
    assert {stage.state for stage in last.stages} == {StageState.DONE}


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED, State.LOST, State.RETRYING, State.QUEUED])
def test_any_other_end_stays_where_it_was(clock: Clock, state: State) -> None:
    ledger = ledger_of("Read", "Load")
    with pytest.raises(KeyError), ledger.stage("Read", 4, None, ""):
        ledger.count(1)
        shown(ledger)
        clock.now += 1
        raise KeyError
    last = ledger.close(state, Fault(code="bad", text="It was bad."), 7.5)
    assert (last.state, last.percent, last.stage) == (state, 12.5, StageRef(index=0, name="Read"))
    assert (last.error, last.cancel_requested_at, last.rate) == (Fault(code="bad", text="It was bad."), 7.5, None)


def test_a_full_count_that_failed_is_not_100_percent() -> None:
    ledger = ledger_of()
    go(ledger.track(range(10), None, ""))
    last = ledger.close(State.FAILED, None, None)
    assert last.percent is not None
    assert last.percent < 100.0


def test_the_words_of_an_error_are_cut_and_can_be_told() -> None:
    last = ledger_of().close(State.FAILED, Fault(code="c" * 1_000, text="t\ud800" * 1_000), None)
    assert last.error is not None
    assert (len(last.error.code), len(last.error.text)) == (LONGEST_NAME, LONGEST_MESSAGE)
    assert Snapshot.from_json(last.to_json()).error is not None


numbers = st.floats() | st.integers(-(10**30), 10**30)
calls = st.lists(
    st.one_of(
        st.tuples(st.just("count"), numbers, st.none()),
        st.tuples(st.just("update"), st.none() | numbers, st.none() | numbers),
        st.tuples(st.just("say"), st.text(), st.none()),
        st.tuples(st.just("stage"), st.none() | numbers, st.floats(0, 10)),
        st.tuples(st.just("close"), st.none(), st.none()),
    ),
    max_size=30,
)


@given(calls, st.sampled_from(State))
def test_whatever_a_job_says_can_be_shown_and_its_percentage_does_not_go_back(
    said: list[tuple[str, Any, Any]], end: State
) -> None:
    ledger, last = ledger_of("first"), 0.0
    open_stages: list[Any] = []
    for number, (call, value, other) in enumerate(said):
        if call == "count":
            ledger.count(value)
        elif call == "update":
            ledger.update(value, other, None)
        elif call == "say":
            ledger.update(None, None, value)
        elif call == "stage" and len(open_stages) < 2:
            open_stages.append(ledger.stage(f"stage {number}", value, other, ""))
            open_stages[-1].__enter__()
        elif call == "close" and open_stages:
            open_stages.pop().__exit__(None, None, None)
        percent = shown(ledger).percent
        assert last <= (last if percent is None else percent) < 100.0
        last = percent or last
    closed = Snapshot.from_json(ledger.close(end, None, None).to_json())
    assert closed.percent == 100.0 if end is State.SUCCEEDED else (closed.percent or 0.0) < 100.0


def test_a_stage_that_was_opened_just_now_may_yet_be_given_a_length(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr("progress_app.ledger.time.monotonic", lambda: now_s)
    ledger = ledger_of()
    assert ledger.ripens_in_s() == 0
    with ledger.stage("Read", None, None, ""):
        assert ledger.ripens_in_s() == pytest.approx(OPENING_S)
        list(ledger.track([1, 2], None, ""))
        assert ledger.ripens_in_s() == 0
    with ledger.stage("Load", None, None, ""):
        now_s += OPENING_S
        assert ledger.ripens_in_s() == 0
