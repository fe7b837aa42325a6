"""How fast the work goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from progress_app.rate import Rate


def test_there_is_none_before_two_readings() -> None:
    rate = Rate()
    assert rate.per_s is None
    rate.observe(0.0, 5)
    assert rate.per_s is None
    rate.observe(0.0, 9)
    assert rate.per_s is None, "no time has passed"


@given(st.floats(0.01, 1e6), st.lists(st.floats(0.01, 60), min_size=1, max_size=50))
def test_a_steady_pace_is_told_exactly_at_any_rhythm(pace: float, gaps: list[float]) -> None:
    rate, now_s = Rate(), 0.0
    rate.observe(now_s, 0.0)
    for gap in gaps:
        now_s += gap
        rate.observe(now_s, now_s * pace)
    assert rate.per_s == pytest.approx(pace, rel=1e-3)


def test_half_of_the_weight_lies_on_the_last_half_life() -> None:
    rate = Rate(half_life_s=5.0)
    rate.observe(0.0, 0)
    rate.observe(1_000.0, 100_000)  # long enough to have all the weight: 100 a second
    rate.observe(1_005.0, 100_000)
    assert rate.per_s == pytest.approx(50.0)


def test_a_standstill_goes_to_zero_and_a_reading_without_time_is_no_news() -> None:
    rate = Rate()
    rate.observe(0.0, 0)
    rate.observe(1.0, 10)
    assert rate.per_s == pytest.approx(10.0)
    rate.observe(1.0, 500)
    assert rate.per_s == pytest.approx(10.0)
    rate.observe(500.0, 10)
    assert rate.per_s == pytest.approx(0.0, abs=1e-6)


def test_a_counter_that_fell_starts_anew() -> None:
    rate = Rate()
    rate.observe(0.0, 0)
    rate.observe(1.0, 1_000)
    rate.observe(2.0, 3)
    assert rate.per_s is None
    rate.observe(3.0, 10)
    assert rate.per_s == pytest.approx(7.0)
