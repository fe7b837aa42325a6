"""Stages as a job opens them."""

import pytest

from progress_app.events import StageRef, State
from progress_app.reporter import Reporter
from tests.progress_app.doubles import FakeHost
from tests.progress_app.reporter.recording import Recorder, reporter_of, shown


def test_stages_are_told_with_their_counts(backend: Recorder, host: FakeHost) -> None:
    progress = reporter_of(backend, host, stages=("Read", "Load"))
    with progress.stage("Read", total=2, unit="rows"):
        progress.advance()
        told = shown(progress)
        assert (told.stage, told.current, told.total, told.unit) == (StageRef(index=0, name="Read"), 1, 2, "rows")
        assert told.percent == 25.0
    with progress.stage("Load"):
        told = shown(progress)
        assert told.stage == StageRef(index=1, name="Load")
        assert (told.current, told.total, told.percent) == (0, None, None)
    assert progress.settle(State.SUCCEEDED).stage is None


def test_a_stage_inside_a_loop_does_not_count_for_the_loop(progress: Reporter) -> None:
    for number in progress.track([1, 2, 3]):
        with progress.stage(f"file {number}"), progress.stage("rows"):
            for _ in progress.track(range(50)):
                pass
    told = shown(progress)
    assert (told.current, told.total) == (3, 3)


def test_an_exception_shows_where_the_job_ended(progress: Reporter) -> None:
    def run() -> None:
        with progress.stage("Load", total=4):
            progress.advance()
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011  (the one of the job above)
        run()
    last = progress.settle(State.FAILED)
    assert (last.stage, last.current, last.total) == (StageRef(index=0, name="Load"), 1, 4)


def test_a_job_may_catch_what_its_stages_raise(progress: Reporter) -> None:
    for number in range(5):
        try:
            with progress.stage(f"file {number}"):
                raise ValueError(number)
        except ValueError:
            progress.log("skipped")
    assert [stage.depth for stage in shown(progress).stages] == [0] * 5
