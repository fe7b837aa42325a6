"""A job's own rhythm: what is far longer than usual for this job."""

import pytest

from progress_app.rhythm import Rhythm
from tests.progress_app.doubles import Clock


def walked(clock: Clock, *gaps_s: float) -> Rhythm:
    rhythm = Rhythm(clock)
    for number, gap_s in enumerate(gaps_s):
        clock.now += gap_s
        rhythm.observe(number)
    return rhythm


@pytest.mark.parametrize(("gap_s", "silence_s"), [(0.1, 30), (1, 30), (10, 100), (100, 1000)])
def test_silence_is_measured_by_the_jobs_own_steps(gap_s: float, silence_s: float) -> None:
    clock = Clock()
    rhythm = walked(clock, *[gap_s] * 20)
    clock.now += silence_s - 0.1
    assert rhythm.stalled_s is None
    clock.now += 1
    assert rhythm.stalled_s == pytest.approx(silence_s + 0.9)


def test_one_long_step_of_the_past_makes_the_next_one_usual() -> None:
    clock = Clock()
    rhythm = walked(clock, *[1] * 10, 200, *[1] * 50)
    clock.now += 500
    assert rhythm.stalled_s is None


def test_a_step_ends_the_silence() -> None:
    clock = Clock()
    rhythm = walked(clock, *[1] * 10)
    clock.now += 100
    assert rhythm.stalled_s is not None
    rhythm.observe("a step")
    assert rhythm.stalled_s is None


def test_a_job_that_reports_nothing_is_not_called_stalled() -> None:
    clock = Clock()
    rhythm = walked(clock, 1, 1)
    clock.now += 10_000
    assert rhythm.stalled_s is None


def test_looking_again_is_no_step() -> None:
    clock = Clock()
    rhythm = walked(clock, *[1] * 10)
    clock.now += 60
    rhythm.observe(9)
    assert rhythm.stalled_s == 60
