from bisect import bisect_left

import pytest

from progress_app.allowance import Allowance
from tests.progress_app.doubles import Clock


def test_a_rate_is_kept_to_from_the_first_second_on() -> None:
    clock = Clock()
    allowance = Allowance(10, clock)
    allowance.sent(10)
    clock.now += 0.9
    assert allowance.room == 0
    assert allowance.wait_s() == pytest.approx(0.1)
    clock.now += 0.1
    assert allowance.wait_s() == pytest.approx(0, abs=1e-6)
    clock.now += 1e-6
    assert allowance.room == 10


def test_a_rate_below_one_lets_one_through_in_so_many_seconds() -> None:
    clock = Clock()
    allowance = Allowance(0.1, clock)
    assert allowance.room == 1
    allowance.sent(1)
    assert allowance.wait_s() == pytest.approx(10)


def test_what_was_sent_against_the_rate_counts_too() -> None:
    clock = Clock()
    allowance = Allowance(2, clock)
    allowance.sent(5)
    assert allowance.room == -3
    assert allowance.wait_s() == pytest.approx(1)


@pytest.mark.parametrize("per_s", [0.3, 1, 2, 2.5, 10, 200])
def test_no_window_of_a_second_holds_more_than_the_rate(per_s: float) -> None:
    clock, sent = Clock(), list[float]()
    allowance = Allowance(per_s, clock)
    for turn in range(3_000):
        batch = min(10, allowance.room)
        sent += [clock() + turn % 7 * 0.05] * batch  # the service has it at some moment of the call
        clock.now += 0.3 if batch else 0.07
        allowance.sent(batch)
    fullest = max(bisect_left(sent, since + 1) - index for index, since in enumerate(sent))
    assert fullest <= max(1, per_s)
