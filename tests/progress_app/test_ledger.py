"""What a job has said so far, and the snapshot that it makes."""

import threading
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from progress_app import ledger as ledger_module
from progress_app.events import Fault, Snapshot, StageRef, StageState, State
from progress_app.exceptions import UsageError
from progress_app.ledger import HIGHEST, LONGEST_MESSAGE, LONGEST_NAME, OPENING_S, Ledger
from tests.progress_app.doubles import Clock, snapshot

IDENTITY = snapshot(attempt=3, started_at=1.5)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(ledger_module, "time", SimpleNamespace(monotonic=clock, time=clock))
    return clock


def ledger_of(*stages: str) -> Ledger:
    return Ledger(IDENTITY, stages, [], lambda: None)


def shown(ledger: Ledger) -> Snapshot:
    """What a viewer would be shown now, by way of JSON."""
    return Snapshot.from_json(ledger.snapshot(State.RUNNING, None).to_json())


def go(items: Iterable[Any]) -> None:
    """Loop over all of them."""
    deque(items, 0)


def test_who_it_is_about_stays(clock: Clock) -> None:
    told = ledger_of().snapshot(State.CANCELLING, 7.25)
    assert (told.task, told.job, told.attempt) == (IDENTITY.task, "import_csv", 3)
    assert (told.state, told.started_at, told.cancel_requested_at) == (State.CANCELLING, 1.5, 7.25)
    assert (told.current, told.total, told.percent, told.rate, told.stage, told.stages) == (
        0,
        None,
        None,
        None,
        None,
        (),
    )


def test_times_are_those_of_the_moment(clock: Clock) -> None:
    ledger = ledger_of()
    clock.now += 12.34
    told = shown(ledger)
    assert (told.elapsed, told.ts) == (12.3, clock.now)


# Counting


@pytest.mark.parametrize("sized", [[7] * 4, range(4), {1: 2, 3: 4, 5: 6, 7: 8}, "four", deque([1] * 4)])
def test_a_loop_over_what_has_a_length_tells_it(sized: Any) -> None:
    ledger = ledger_of()
    loop = ledger.track(sized, None, "rows")
    assert shown(ledger).total == 4
    go(loop)
    assert (shown(ledger).current, shown(ledger).unit) == (4, "rows")


def test_a_loop_over_what_has_none_is_of_unknown_length() -> None:
    ledger = ledger_of()
    go(ledger.track(iter(range(5)), None, ""))
    told = shown(ledger)
    assert (told.current, told.total, told.percent) == (5, None, None)


def test_a_total_that_was_said_wins_over_the_length() -> None:
    ledger = ledger_of()
    go(ledger.track(range(5), 50, ""))
    assert (shown(ledger).total, shown(ledger).percent) == (50, 10.0)


def test_the_total_of_the_stage_wins_over_the_length() -> None:
    ledger = ledger_of()
    with ledger.stage("Load", 50, None, "rows"):
        go(ledger.track(range(5), None, ""))
        told = shown(ledger)
    assert (told.current, told.total, told.unit) == (5, 50, "rows")


def test_an_update_sets_the_count_and_counting_goes_on_from_there() -> None:
    ledger = ledger_of()
    ledger.count(3)
    ledger.update(40, 100, None)
    ledger.count(2)
    assert (shown(ledger).current, shown(ledger).percent) == (42, 42.0)
    ledger.update(10, None, None)
    assert (shown(ledger).current, shown(ledger).percent) == (10, 42.0), "a percentage does not go back"


def test_what_an_update_leaves_out_stays_as_it_is() -> None:
    ledger = ledger_of()
    ledger.update(4, 8, "half")
    ledger.update(None, None, None)
    told = shown(ledger)
    assert (told.current, told.total, told.message) == (4, 8, "half")
    ledger.update(0, 0, "")
    told = shown(ledger)
    assert (told.current, told.total, told.message) == (0, 0, "")


@pytest.mark.parametrize("odd", [-1, float("nan"), float("inf"), -float("inf"), "three", object(), 10**400])
def test_a_number_that_cannot_be_is_0(odd: Any) -> None:
    ledger = ledger_of()
    ledger.count(5)
    ledger.update(odd, odd, None)
    assert (shown(ledger).current, shown(ledger).total) == (0, 0)
    ledger.count(-5)
    assert shown(ledger).current == 0


@pytest.mark.parametrize(
    ("given_total", "told"), [(10.0, "10"), (2.5, "2.5"), (Decimal("2.5"), "2.5"), (2**60, str(2**60))]
)
def test_numbers_are_told_as_people_write_them(given_total: Any, told: str) -> None:
    ledger = ledger_of()
    ledger.update(None, given_total, None)
    assert f'"total":{told},' in ledger.snapshot(State.RUNNING, None).to_json().decode()


def test_texts_are_cut_and_can_be_told() -> None:
    ledger = ledger_of()
    ledger.update(None, None, "m" * 10_000 + "\ud800")
    with ledger.stage("s\ud800" * 1_000, None, None, "u" * 1_000):
        ledger.update(None, None, "m\ud800" * 1_000)
        told = shown(ledger)
    assert len(told.message) == LONGEST_MESSAGE
    assert told.stage is not None
    assert len(told.stage.name) == len(told.unit) == LONGEST_NAME


def test_only_news_changes_the_mark() -> None:
    ledger = ledger_of("Load")
    marks = [ledger.mark]
    shown(ledger)
    assert ledger.mark in marks
    ledger.count(1)
    assert ledger.mark not in marks
    marks.append(ledger.mark)
    ledger.update(None, None, "word")
    assert ledger.mark not in marks
    marks.append(ledger.mark)
    ledger.update(None, 9, None)
    assert ledger.mark not in marks


def test_threads_count_together_while_another_looks() -> None:
    ledger = ledger_of()
    ledger.update(None, 8_000, None)
    threads = [threading.Thread(target=lambda: go(map(ledger.count, [1] * 1_000))) for _ in range(4)]
    threads += [threading.Thread(target=lambda: go(ledger.track(range(1_000), None, ""))) for _ in range(4)]
    for thread in threads:
        thread.start()
    seen = []
    while any(thread.is_alive() for thread in threads):
        seen.append(shown(ledger).current)
    for thread in threads:
        thread.join()
    assert seen == sorted(seen)
    assert (shown(ledger).current, shown(ledger).total) == (8_000, 8_000)


# Stages


def test_a_stage_has_its_own_count_and_words(clock: Clock) -> None:
    ledger = ledger_of("Read", "Load")
    with ledger.stage("Read", 4, None, "files"):
        ledger.count(2)
        ledger.update(None, None, "half of it")
        told = shown(ledger)
    assert (told.current, told.total, told.unit, told.message, told.percent) == (2, 4, "files", "half of it", 25.0)
    assert told.stage == StageRef(index=0, name="Read")
    between = shown(ledger)
    assert (between.stage, between.message, between.percent) == (None, "", 50.0)
    with ledger.stage("Load", 10, None, "rows"):
        assert (shown(ledger).current, shown(ledger).stage) == (0, StageRef(index=1, name="Load"))


def test_counts_without_bound_can_be_shown(clock: Clock) -> None:
    ledger = ledger_of()
    for _ in range(3):
        clock.now += 1.0
        ledger.count(1.7e308)
        assert shown(ledger).current == HIGHEST
    ledger.count(-1.7e308)
    ledger.update(5, 10, None)
    assert shown(ledger).percent is not None


def test_threads_may_open_stages_beside_each_other() -> None:
    ledger, together = ledger_of(), threading.Barrier(2)

    def work(name: str) -> None:
        together.wait()
        for number in range(30):
            with ledger.stage(f"{name}{number}", 1, None, ""):
                ledger.count(1)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, "ab"))
    told = shown(ledger)
    assert len(told.stages) == 60
    assert {stage.state for stage in told.stages} == {StageState.DONE}
    assert told.stage is None


def test_a_stage_says_how_long_it_ran(clock: Clock) -> None:
    ledger = ledger_of()
    with ledger.stage("Read", None, None, ""):
        clock.now += 2.5
        assert shown(ledger).stages[0].seconds == 2.5
    clock.now += 60
    assert (shown(ledger).stages[0].seconds, shown(ledger).stages[0].state) == (2.5, StageState.DONE)


def test_a_stage_that_raises_stays_to_show_where_it_ended() -> None:
    ledger = ledger_of()
    with pytest.raises(KeyError), ledger.stage("Load", 10, None, ""):
        ledger.count(3)
        ledger.update(None, None, "row 3")
        raise KeyError
    told = shown(ledger)
    assert (told.stage, told.current, told.message) == (StageRef(index=0, name="Load"), 3, "row 3")


def test_a_plan_of_names_or_of_weights() -> None:
    ledger = ledger_of("not this one")
    ledger.plan(["Read", "Load"])
    ledger.plan({"Read": 1, "Load": 3})
    assert [stage.name for stage in shown(ledger).stages] == ["Read", "Load"]
    with ledger.stage("Read", None, None, ""):
        pass
    assert shown(ledger).percent == 25.0


def test_a_stage_that_is_refused_leaves_the_ledger_as_it_was() -> None:
    ledger = ledger_of()
    ledger.update(3, 10, "before")
    with pytest.raises(UsageError), ledger.stage("Load", 10, -1, ""):
        pytest.fail("it was not opened")
    told = shown(ledger)
    assert (told.current, told.message, told.stages, told.stage) == (3, "before", (), None)


# The rate


def test_the_rate_is_in_units_a_second(clock: Clock) -> None:
    ledger = ledger_of()
    shown(ledger)
    for _ in range(10):
        clock.now += 0.5
        ledger.count(10)
        told = shown(ledger)
    assert told.rate == 20.0


def test_each_stage_has_a_rate_of_its_own(clock: Clock) -> None:
    ledger = ledger_of()
    with ledger.stage("Read", None, None, "files"):
        shown(ledger)
        clock.now += 1
        ledger.count(1_000)
        assert shown(ledger).rate == 1_000.0
    clock.now += 1
    with ledger.stage("Load", None, None, "rows"):
        assert shown(ledger).rate is None
        clock.now += 1
        ledger.count(3)
        assert shown(ledger).rate == 3.0


def test_after_a_stage_the_rate_begins_anew(clock: Clock) -> None:
    ledger = ledger_of()
    ledger.count(5_000)
    with ledger.stage("Read", None, None, "files"):
        shown(ledger)
        clock.now += 1
        ledger.count(10)
        assert shown(ledger).rate == 10.0
    clock.now += 1
    assert (shown(ledger).current, shown(ledger).rate) == (5_000, None)


def test_a_stage_begins_without_a_rate_whatever_time_passed_before(clock: Clock) -> None:
    ledger = ledger_of()
    shown(ledger)
    clock.now += 100
    with ledger.stage("Load", None, None, "rows"):
        assert shown(ledger).rate is None


# The end


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
