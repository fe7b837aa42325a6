"""The forecast from earlier runs, and what this one leaves for later ones."""

from progress_app.events import State
from progress_app.reporter import Reporter
from tests.progress_app.doubles import FakeHost
from tests.progress_app.reporter.recording import shown


def test_earlier_runs_of_the_job_give_the_forecast(progress: Reporter, host: FakeHost) -> None:
    host.runs = [{"": [float(second) for second in range(1, 11)]}] * 3
    assert shown(progress).eta is None
    progress.teller.recall()
    progress.update(total=100)
    eta = shown(progress).eta
    assert eta is not None
    assert eta.low < 10 < eta.high


def test_an_attempt_that_succeeded_leaves_its_pace(progress: Reporter) -> None:
    for _ in progress.track(range(20)):
        shown(progress)
    progress.settle(State.SUCCEEDED)
    marks = progress.paces()[""]
    assert (len(marks), marks) == (10, sorted(marks))


def test_the_end_has_no_forecast(progress: Reporter, host: FakeHost) -> None:
    host.runs = [{"": [float(second) for second in range(1, 11)]}] * 3
    progress.teller.recall()
    assert progress.settle(State.CANCELLED).eta is None
