"""What is said of the end: from this run, and from earlier ones."""

import pytest

from progress_app.outlook import LOOK_EVERY_S, Outlook
from progress_app.stages import Stage

EVENLY = [float(second) for second in range(1, 11)]  # ten seconds, a tenth of the work in each


def running(done: float, *, total: float = 100, name: str = "Load") -> Stage:
    return Stage(name, total=total, count=done, began_s=0.0)


def test_a_run_without_a_past_is_judged_by_its_own_pace() -> None:
    outlook = Outlook()
    outlook.look([running(10)], None, 2.0)
    eta = outlook.look([running(50)], 5.0, 10.0)
    assert eta is not None
    assert eta.low < 10.0 < eta.high


def test_nothing_is_said_while_nothing_is_known() -> None:
    assert Outlook().look([Stage("Load", began_s=0.0)], None, 5.0) is None
    assert Outlook().look([running(0)], None, 5.0) is None


def test_earlier_runs_speak_before_this_one_has_got_anywhere() -> None:
    outlook = Outlook()
    outlook.recall([{"Load": EVENLY}] * 5)
    eta = outlook.look([running(1)], None, 0.1)
    assert eta is not None
    assert eta.low < 9.9 < eta.high


def test_a_stage_of_unknown_length_is_judged_by_earlier_runs() -> None:
    outlook = Outlook()
    outlook.recall([{"Load": EVENLY}] * 5)
    eta = outlook.look([Stage("Load", began_s=0.0)], None, 4.0)
    assert eta is not None
    assert eta.low < 6.0 < eta.high


def test_stages_to_come_count() -> None:
    outlook = Outlook()
    outlook.recall([{"Read": EVENLY, "Load": EVENLY}] * 5)
    eta = outlook.look([running(50, name="Read"), Stage("Load")], 10.0, 5.0)
    assert eta is not None
    assert eta.low < 15.0 < eta.high


@pytest.mark.parametrize("odd", [[], [1.0], [0.0] * 10, [1.0] * 11])
def test_what_is_no_pace_is_passed_over(odd: list[float]) -> None:
    outlook = Outlook()
    outlook.recall([{"Load": odd}])
    assert outlook.look([Stage("Load")], None, 0.1) is None


def test_a_forecast_stands_for_a_while() -> None:
    outlook = Outlook()
    first = outlook.look([running(50)], 10.0, 5.0)
    assert outlook.look([running(60)], 10.0, 5.0 + LOOK_EVERY_S / 2) == first
    assert outlook.look([running(60)], 10.0, 5.0 + LOOK_EVERY_S) != first


def test_a_run_leaves_the_pace_of_each_stage_that_it_finished() -> None:
    outlook = Outlook()
    for second in range(1, 11):
        outlook.look([running(second * 10), Stage("Check")], None, float(second))
    assert outlook.paces([running(100), Stage("Check")], 10.0) == {"Load": EVENLY}


def test_a_stage_that_never_knew_its_length_leaves_an_even_pace() -> None:
    stage = Stage("Read", began_s=2.0, ended_s=12.0)
    assert Outlook().paces([stage], 99.0) == {"Read": EVENLY}
