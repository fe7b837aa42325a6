"""When a task will be done: honest ranges, from its own pace and from earlier runs."""

import math
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from progress_app.events import Eta
from progress_app.forecast import Leg, forecast
from progress_app.pace import MARKS
from tests.benchmarks import eta as benchmark

DECADE = [float(tenth) for tenth in range(1, MARKS + 1)]  # a steady run of ten seconds


def leg(fraction: float | None = 0.0, elapsed_s: float = 0.0, **changes: Any) -> Leg:
    return Leg(fraction=fraction, elapsed_s=elapsed_s, **({"weight": 1.0} | changes))


def times(marks: list[float], factor: float) -> list[float]:
    return [mark * factor for mark in marks]


def known(*legs: Leg) -> Eta:
    """The forecast, which must exist."""
    found = forecast(legs)
    assert found is not None
    return found


def middle(*legs: Leg) -> float:
    """The estimate in the middle of the range (of its logarithm)."""
    found = known(*legs)
    return math.sqrt(found.low * found.high)


def width(*legs: Leg) -> float:
    """By which factor the far end of the range is above the near one."""
    found = known(*legs)
    return found.high / found.low


# When nothing honest can be said


@pytest.mark.parametrize(
    "legs",
    [
        pytest.param([], id="no stage"),
        pytest.param([leg()], id="nothing done, no earlier run"),
        pytest.param([leg(None, 30.0)], id="of unknown length"),
        pytest.param([leg(0.0, 30.0)], id="running, nothing done"),
        pytest.param([leg(0.001, 30.0)], id="a thousandth done"),
        pytest.param([leg(0.5, 0.0)], id="no time has passed"),
        pytest.param([leg(0.5, 30.0), leg(None, 1.0)], id="one of two of unknown length"),
        pytest.param([leg(1.0, 30.0)], id="all done"),
        pytest.param([leg(1.0, 30.0), leg(1.2, 5.0)], id="both done"),
        pytest.param([leg(1.0, 30.0), leg(weight=0.0)], id="a stage without weight that never ran"),
        pytest.param([leg(None, 30.0, earlier=[DECADE])], id="longer than the earlier run"),
        pytest.param([leg(None, 30.0, earlier=[DECADE, DECADE, times(DECADE, 10)])], id="longer than most"),
        pytest.param([leg(1.0, 1_000.0, weight=1e-313), leg(weight=50.0)], id="weights beyond all reason"),
    ],
)
def test_where_nothing_can_be_known_nothing_is_said(legs: list[Leg]) -> None:
    assert forecast(legs) is None


# Its own pace


@pytest.mark.parametrize("done", [0.2, 0.5, 0.9, 0.99])
def test_a_steady_run_goes_on_as_it_went(done: float) -> None:
    steady = leg(done, 1_000 * done, recent_s=1_000 * (1 - done))
    assert middle(steady) == pytest.approx(1_000 * (1 - done), rel=0.02)
    eta = known(steady)
    assert eta.low < 1_000 * (1 - done) < eta.high


def test_the_further_a_run_is_the_narrower_is_its_range() -> None:
    widths = [width(leg(done, 1_000 * done, recent_s=1_000 * (1 - done))) for done in (0.2, 0.4, 0.6, 0.8, 0.9)]
    assert widths == sorted(widths, reverse=True)


def test_without_a_recent_rate_the_range_is_wider() -> None:
    assert width(leg(0.5, 500.0)) > width(leg(0.5, 500.0, recent_s=500.0))
    assert middle(leg(0.5, 500.0)) == pytest.approx(500.0, rel=0.01)


def test_a_run_whose_pace_changed_lies_between_and_is_less_sure() -> None:
    even = width(leg(0.5, 500.0, recent_s=500.0))
    slower, faster = leg(0.5, 500.0, recent_s=800.0), leg(0.5, 500.0, recent_s=300.0)
    assert 500.0 < middle(slower) < 800.0
    assert 300.0 < middle(faster) < 500.0
    assert width(slower) > even
    assert width(faster) > even


def test_a_slow_down_counts_for_more_than_a_spurt() -> None:
    slower = math.log(middle(leg(0.5, 500.0, recent_s=1_000.0)) / 500.0)
    faster = math.log(500.0 / middle(leg(0.5, 500.0, recent_s=250.0)))
    assert slower > 1.5 * faster > 0


@pytest.mark.parametrize("recent_s", [1e6, 1e100, 1e218, 1e308, math.inf])
def test_a_run_that_stands_still_is_not_forecast(recent_s: float) -> None:
    assert forecast([leg(0.5, 500.0, recent_s=recent_s)]) is None


@pytest.mark.parametrize("fraction", [1e-9, 1e-200, 5e-324])
def test_a_total_beyond_all_reason_is_no_fault(fraction: float) -> None:
    assert forecast([leg(fraction, 30.0, recent_s=1e300)]) is None
    assert known(leg(fraction, 1.0, earlier=[DECADE])).high > 0


# Earlier runs


def test_before_it_begins_a_run_is_expected_to_take_what_the_earlier_ones_took() -> None:
    assert middle(leg(earlier=[DECADE])) == pytest.approx(10.0, rel=0.02)
    assert middle(leg(earlier=[times(DECADE, factor) for factor in (90, 100, 130)])) == pytest.approx(1_000.0, rel=0.02)


def test_earlier_runs_that_differ_make_the_range_wide() -> None:
    alike = width(leg(earlier=[times(DECADE, factor) for factor in (99, 100, 101)]))
    apart = width(leg(earlier=[times(DECADE, factor) for factor in (60, 100, 150)]))
    assert 1.0 < alike < apart


def test_more_runs_that_agree_make_it_narrower() -> None:
    few, many = ([times(DECADE, 100)] * number for number in (2, 10))
    assert width(leg(earlier=many)) < width(leg(earlier=few))


def test_the_shape_of_earlier_runs_is_kept() -> None:
    """A run whose last tenth takes as long as all before it is not half done in time when it is half done in count."""
    shape = [*(100.0 * tenth for tenth in range(1, MARKS)), 1_800.0]
    half_done = leg(0.9, 900.0, recent_s=100.0, earlier=[shape] * 5)
    assert middle(half_done) > 3 * middle(leg(0.9, 900.0, recent_s=100.0))


def test_a_run_that_is_twice_as_slow_so_far_stays_so() -> None:
    half_done = leg(0.5, 1_000.0, recent_s=1_000.0, earlier=[times(DECADE, 100)])
    assert middle(half_done) == pytest.approx(1_000.0, rel=0.05)


def test_of_unknown_length_earlier_runs_say_what_is_left() -> None:
    assert middle(leg(None, 400.0, earlier=[times(DECADE, 100)])) == pytest.approx(600.0, rel=0.02)


def test_one_odd_run_does_not_move_the_middle() -> None:
    usual = [times(DECADE, factor) for factor in (98, 100, 102)]
    assert middle(leg(earlier=[*usual, times(DECADE, 300)])) == pytest.approx(1_000.0, rel=0.03)


def test_stages_that_were_over_at_once_say_nothing() -> None:
    assert forecast([leg(earlier=[[0.0] * MARKS])]) is None


# Stages


def test_stages_add_up() -> None:
    minute = leg(earlier=[times(DECADE, 6)])
    assert middle(minute, minute, minute) == pytest.approx(180.0, rel=0.03)
    assert width(minute, minute, minute) < width(minute), "errors of stages partly make up for one another"


def test_what_is_done_takes_no_more_time() -> None:
    minute = leg(earlier=[times(DECADE, 6)])
    assert middle(leg(1.0, 60.0, earlier=[times(DECADE, 6)]), minute) == pytest.approx(60.0, rel=0.03)


def test_a_slow_stage_behind_makes_the_next_ones_slow() -> None:
    usual = [times(DECADE, 10)]
    assert middle(leg(1.0, 200.0, earlier=usual), leg(earlier=usual)) == pytest.approx(200.0, rel=0.03)
    light = middle(leg(1.0, 2.0, earlier=[times(DECADE, 0.1)]), leg(earlier=usual))
    assert light == pytest.approx(100.0, rel=0.05), "a stage that weighs little says little"


@pytest.mark.parametrize("factor", [6.0, 0.25])
def test_a_run_far_from_the_usual_pace_is_one_of_its_own(factor: float) -> None:
    """It was given something else: what is to come is far from usual too, as soon as that is no chance."""
    usual = [DECADE] * 3
    to_come = [leg(earlier=usual) for _ in range(4)]
    behind = leg(1.0, 10.0 * factor, earlier=usual)
    assert middle(behind, *to_come) == pytest.approx(40.0 * factor, rel=0.35)
    begun = leg(0.1, factor, recent_s=9.0 * factor, earlier=usual)
    assert width(begun, *to_come) > width(behind, *to_come) > 1.1


def test_earlier_runs_of_all_lengths_agree_about_the_shape() -> None:
    usual = [times(DECADE, factor) for factor in (0.2, 1.0, 3.0, 0.5, 6.0, 1.5)]
    behind = [leg(1.0, 40.0, earlier=usual) for _ in range(3)]
    to_come = [leg(earlier=usual) for _ in range(2)]
    assert middle(*behind, *to_come) == pytest.approx(80.0, rel=0.05)
    assert width(*behind, *to_come) < 1.3


def test_a_pace_near_the_usual_one_is_taken_for_chance() -> None:
    usual = [DECADE] * 3
    to_come = [leg(earlier=usual) for _ in range(4)]
    assert middle(leg(0.5, 5.5, recent_s=5.5, earlier=usual), *to_come) == pytest.approx(46.0, rel=0.03)


def test_a_stage_that_never_ran_is_judged_by_its_weight() -> None:
    known_stage = leg(1.0, 1_000.0)
    assert middle(known_stage, leg(weight=3.0)) == pytest.approx(3_000.0, rel=0.02)
    assert width(known_stage, leg(weight=3.0)) > 3


def test_a_stage_that_runs_lends_its_pace_to_one_that_never_ran() -> None:
    assert middle(leg(0.5, 500.0, recent_s=500.0), leg()) == pytest.approx(1_500.0, rel=0.05)


# Any run

seconds = st.floats(1e-3, 1e6)
runs = st.lists(seconds | st.just(0.0), min_size=MARKS, max_size=MARKS).map(
    lambda gaps: [sum(gaps[: tenth + 1]) for tenth in range(MARKS)]
)
legs = st.builds(
    Leg,
    weight=st.floats(0, 100),
    fraction=st.none() | st.just(0.0) | st.floats(0, 1.1),
    elapsed_s=st.just(0.0) | seconds,
    recent_s=st.none() | st.floats(0, 1e308),
    earlier=st.lists(runs, max_size=4),
)


@given(st.lists(legs, max_size=5))
def test_a_range_is_a_range(stages: list[Leg]) -> None:
    found = forecast(stages)
    if found is not None:
        assert 0.0 <= found.low <= found.high < math.inf


@given(st.floats(0.05, 0.95), st.floats(0.5, 2), st.lists(st.floats(0.5, 2), max_size=4), st.floats(2, 1_000))
def test_a_slower_clock_gives_a_longer_forecast_in_proportion(
    done: float, recent: float, factors: list[float], slower: float
) -> None:
    def at(scale: float) -> Eta | None:
        earlier = [times(DECADE, 1_000 * scale * factor) for factor in factors]
        recent_s = 1e4 * scale * (1 - done) * recent
        return forecast([leg(done, 1e4 * scale * done, recent_s=recent_s, earlier=earlier), leg(earlier=earlier)])

    one, other = at(1.0), at(slower)
    assert (one is None) is (other is None)
    if one is not None and other is not None:
        assert other.low == pytest.approx(one.low * slower, rel=0.01)
        assert other.high == pytest.approx(one.high * slower, rel=0.01)


# The recorded runs


def errors(known_runs: int) -> dict[str, list[tuple[float, bool]]]:
    """Errors of ours and of the peers at each step of the recorded runs, each run knowing so many before it."""
    found: dict[str, list[tuple[float, bool]]] = {"headway": [], "tqdm": [], "naive": []}
    for kind in benchmark.KINDS:
        recorded = benchmark.recorded(kind)
        for number in range(benchmark.KNOWN, len(recorded)):
            past = recorded[number - known_runs : number]
            earlier = [[benchmark.marks(run[place]) for run in past] for place in range(len(recorded[number]))]
            for name, error, inside in benchmark.replay(recorded[number], earlier):
                found[name].append((error, inside))
    return found


@pytest.mark.parametrize("known_runs", [0, 1, 3])
def test_on_the_recorded_runs_it_is_nearer_to_the_truth_than_its_peers(known_runs: int) -> None:
    error = {name: statistics.median(error for error, _ in found) for name, found in errors(known_runs).items()}
    assert error["headway"] < error["tqdm"]
    assert error["headway"] < error["naive"] or known_runs == 0


def test_on_the_recorded_runs_about_four_of_five_true_ends_lie_in_the_range() -> None:
    inside = statistics.mean(inside for _, inside in errors(benchmark.KNOWN)["headway"])
    assert 0.7 <= inside <= 0.9
