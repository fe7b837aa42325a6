"""The rate of the stage at hand."""

from tests.progress_app.doubles import Clock
from tests.progress_app.ledger.ledgers import ledger_of, shown


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
