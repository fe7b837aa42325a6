"""Stages in the snapshot."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from progress_app.events import StageRef, StageState
from progress_app.exceptions import UsageError
from progress_app.ledger import HIGHEST
from tests.progress_app.doubles import Clock
from tests.progress_app.ledger.ledgers import ledger_of, shown


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
