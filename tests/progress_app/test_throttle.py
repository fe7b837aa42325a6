"""When a sender sends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from progress_app.throttle import Throttle


def test_the_first_send_is_due_at_once() -> None:
    assert Throttle(0.1, 1.0).wait_s(5.0, changed=False) == 0.0


@pytest.mark.parametrize(
    ("now_s", "changed", "urgent", "wait_s"),
    [
        (10.0, True, False, 0.5),
        (10.25, True, False, 0.25),
        (10.5, True, False, 0.0),
        (99.0, True, False, 0.0),
        (10.0, False, False, 4.0),
        (13.0, False, False, 1.0),
        (14.0, False, False, 0.0),
        (10.0, False, True, 0.0),
        (10.0, True, True, 0.0),
    ],
)
def test_news_waits_the_interval_and_silence_the_pulse(
    now_s: float,
    changed: bool,
    urgent: bool,
    wait_s: float,
) -> None:
    throttle = Throttle(0.5, 4.0)
    throttle.sent(10.0)
    assert throttle.wait_s(now_s, changed=changed, urgent=urgent) == wait_s


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.booleans())
def test_a_wait_is_never_negative_nor_over_the_pulse(sent_s: float, later_s: float, changed: bool) -> None:
    throttle = Throttle(0.1, 1.0)
    throttle.sent(sent_s)
    assert 0.0 <= throttle.wait_s(sent_s + later_s, changed=changed) <= 1.0 + 1e-6
