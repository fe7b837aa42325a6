import math

import pytest

from progress_app.breaker import LONGEST_PAUSE_S, OPEN_AFTER, Breaker
from tests.progress_app.doubles import Clock


def breaker(clock: Clock, jitter: float = 1.0) -> Breaker:
    return Breaker(clock, lambda: jitter)


def test_it_lets_everything_through_at_first() -> None:
    fresh = breaker(Clock())
    assert (fresh.wait_s(), fresh.is_open, fresh.is_broken) == (0, False, False)


def test_pauses_grow_and_end_at_the_longest() -> None:
    clock = Clock()
    failing = breaker(clock)
    pauses = []
    for _ in range(9):
        failing.failed()
        pauses.append(failing.wait_s())
        clock.now += pauses[-1]
    assert pauses == [1, 2, 4, 8, 16, 32, LONGEST_PAUSE_S, LONGEST_PAUSE_S, LONGEST_PAUSE_S]


@pytest.mark.parametrize(("jitter", "pause"), [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
def test_a_pause_is_jittered_by_half(jitter: float, pause: float) -> None:
    failing = breaker(Clock(), jitter)
    failing.failed()
    assert failing.wait_s() == pause


def test_a_pause_is_never_shorter_than_the_service_asks() -> None:
    failing = breaker(Clock())
    failing.failed(retry_after_s=30)
    assert failing.wait_s() == 30


def test_viewers_are_sent_elsewhere_after_three_faults_in_a_row() -> None:
    failing = breaker(Clock())
    opened = []
    for _ in range(OPEN_AFTER):
        failing.failed()
        opened.append(failing.is_open)
    assert opened == [False, False, True]
    failing.succeeded()
    assert (failing.is_open, failing.wait_s()) == (False, 0)


def test_a_fault_that_will_not_pass_opens_it_for_good() -> None:
    clock = Clock()
    broken = breaker(clock)
    broken.broke()
    clock.now += 1e9
    assert (broken.is_open, broken.is_broken, broken.wait_s()) == (True, True, math.inf)
