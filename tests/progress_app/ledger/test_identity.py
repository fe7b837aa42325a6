"""Who it is about, and the times of the moment."""

from progress_app.events import State
from tests.progress_app.doubles import Clock
from tests.progress_app.ledger.ledgers import IDENTITY, ledger_of, shown


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
