"""When each tenth of a stage was reached."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from progress_app.pace import MARKS, Pace, reached

EVEN = [float(tenth) for tenth in range(1, 11)]  # a steady run of ten seconds


def observed(*readings: tuple[float, float]) -> Pace:
    pace = Pace()
    for elapsed_s, fraction in readings:
        pace.observe(elapsed_s, fraction)
    return pace


def test_there_are_no_marks_before_the_first_tenth() -> None:
    assert observed().marks == []
    assert observed((5.0, 0.0), (9.0, 0.09)).marks == []


def test_a_tenth_is_marked_when_it_is_reached() -> None:
    assert observed((3.0, 0.1), (4.0, 0.2)).marks == pytest.approx([3.0, 4.0])


def test_tenths_between_two_readings_lie_on_a_line() -> None:
    assert observed((10.0, 1.0)).marks == pytest.approx(EVEN)
    assert observed((2.0, 0.05), (4.0, 0.25)).marks == pytest.approx([2.5, 3.5])


@pytest.mark.parametrize("steps", [1, 3, 7, 10, 240, 999])
def test_a_run_that_went_to_its_end_has_ten_marks_and_the_last_is_its_length(steps: int) -> None:
    pace = observed(*((2.0 * step, step / steps) for step in range(1, steps + 1)))
    assert len(pace.marks) == MARKS
    assert pace.marks[-1] == pytest.approx(2.0 * steps)


def test_a_tenth_that_is_missed_by_a_rounding_is_reached() -> None:
    assert 0.1 + 0.7 < 0.8
    assert len(observed((8.0, 0.1 + 0.7)).marks) == 8


def test_a_reading_that_does_not_go_on_is_passed_over() -> None:
    pace = observed((1.0, 0.3), (2.0, 0.2), (3.0, 0.3))
    assert pace.marks == observed((1.0, 0.3)).marks
    pace.observe(5.0, 0.5)
    assert pace.marks[-2:] == pytest.approx([3.0, 5.0]), "on a line from the last one that went on"


def test_a_fraction_above_one_is_the_end() -> None:
    assert len(observed((10.0, 1.0), (11.0, 1.5)).marks) == MARKS


@pytest.mark.parametrize(
    ("fraction", "seconds"), [(-1, 0.0), (0.0, 0.0), (0.05, 0.5), (0.5, 5.0), (1.0, 10.0), (2, 10.0)]
)
def test_a_fraction_between_the_tenths_lies_on_a_line(fraction: float, seconds: float) -> None:
    assert reached(EVEN, fraction) == pytest.approx(seconds)


readings = st.lists(st.tuples(st.floats(0.001, 1e4), st.floats(0.001, 1.0)), min_size=1, max_size=30)


@given(readings)
def test_marks_never_go_back(gaps: list[tuple[float, float]]) -> None:
    pace, elapsed_s = Pace(), 0.0
    for gap_s, fraction in gaps:
        elapsed_s += gap_s
        pace.observe(elapsed_s, fraction)
    assert pace.marks == sorted(pace.marks)
    assert len(pace.marks) <= MARKS
    assert all(0.0 <= mark <= elapsed_s * (1 + 1e-9) for mark in pace.marks)


@given(st.lists(st.floats(0.0, 1e4), min_size=MARKS, max_size=MARKS), st.floats(0, 1), st.floats(0, 1))
def test_what_is_further_is_reached_later(gaps_s: list[float], one: float, other: float) -> None:
    marks = [sum(gaps_s[: tenth + 1]) for tenth in range(MARKS)]
    sooner, later = sorted((one, other))
    assert 0.0 <= reached(marks, sooner) <= reached(marks, later) + 1e-9
    assert reached(marks, 1.0) == pytest.approx(marks[-1])
