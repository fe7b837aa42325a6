"""How a reporter begins and ends: the first and the last snapshot are always sent, once."""

from typing import Any

import pytest

from progress_app.events import Fault, State
from progress_app.exceptions import UsageError
from progress_app.reporter import Reporter
from tests.progress_app.doubles import FakeHost, snapshot
from tests.progress_app.reporter.recording import Recorder, reporter_of


@pytest.mark.parametrize("round_", range(10))
def test_first_and_last_are_always_sent(backend: Recorder, host: FakeHost, round_: int) -> None:
    progress = reporter_of(backend, host)
    progress.start()
    progress.settle(State.SUCCEEDED)
    assert progress.publish_end() is True
    assert [told.state for told in backend.sent] == [State.RUNNING, State.SUCCEEDED]
    assert backend.sent[-1].percent == 100.0


def test_the_last_one_shows_the_last_count_and_line(started: Reporter, backend: Recorder) -> None:
    for _ in started.track(range(1_000), unit="rows"):
        pass
    started.log("done")
    last = started.settle(State.FAILED, Fault(code="bad", text="It was bad."))
    assert started.publish_end()
    assert (last.current, last.total, last.unit, last.state) == (1_000, 1_000, "rows", State.FAILED)
    assert last.error == Fault(code="bad", text="It was bad.")
    assert last.percent is not None
    assert last.percent < 100.0, "only success is 100"
    assert backend.sent[-1].current == 1_000
    assert backend.lines() == ["done"]


def test_nothing_is_sent_between_settling_and_the_end(started: Reporter, backend: Recorder) -> None:
    started.settle(State.SUCCEEDED)
    before = len(backend.sent)
    started._sender.hurry()
    assert len(backend.sent) == before
    assert backend.sent[-1].state is State.RUNNING


def test_an_end_that_redis_did_not_take_is_told_and_loses_no_line(progress: Reporter, backend: Recorder) -> None:
    progress.log("the last words")
    progress.settle(State.SUCCEEDED)
    backend.away = True
    assert progress.publish_end() is False
    backend.away = False
    assert progress.publish_end() is True
    assert backend.lines() == ["the last words"]


def test_the_end_of_an_older_attempt_is_not_taken(progress: Reporter, backend: Recorder) -> None:
    backend.publish(snapshot(attempt=2))
    progress.settle(State.SUCCEEDED)
    assert progress.publish_end() is False


def test_an_end_that_is_there_already_is_fine(progress: Reporter, backend: Recorder) -> None:
    progress.settle(State.SUCCEEDED)
    assert progress.publish_end()
    assert progress.publish_end()


def test_an_end_must_be_settled_first(progress: Reporter) -> None:
    with pytest.raises(UsageError, match="before settle"):
        progress.publish_end()


def test_a_task_may_be_handed_back(progress: Reporter, backend: Recorder) -> None:
    progress.update(3, 10)
    assert progress.settle(State.QUEUED).percent == 30.0
    assert progress.publish_end()
    assert backend.sent[-1].state is State.QUEUED


@pytest.mark.parametrize(
    "call",
    [
        lambda p: p.track([1]),
        lambda p: p.advance(),
        lambda p: p.update(1),
        lambda p: p.log("x"),
        lambda p: p.stage("x").__enter__(),
        lambda p: p.attach(None, "x"),
    ],
)
def test_a_call_after_the_end_is_refused(progress: Reporter, call: Any) -> None:
    progress.settle(State.SUCCEEDED)
    with pytest.raises(UsageError, match="after the end"):
        call(progress)
