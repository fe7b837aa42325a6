"""When a sender sends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from progress_app.throttle import Throttle


def test_the_first_send_is_due_at_once() -> None:
    assert Throttle(0.1, 1.0).is_due(5.0, changed=False)


@pytest.mark.parametrize(
    ("now_s", "changed", "urgent", "due"),
    [
        (10.0, True, False, False),
        (10.25, True, False, False),
        (10.5, True, False, True),
        (99.0, True, False, True),
        (10.0, False, False, False),
        (13.0, False, False, False),
        (14.0, False, False, True),
        (10.0, False, True, True),
        (10.0, True, True, True),
    ],
)
def test_news_waits_the_interval_and_silence_the_pulse(now_s: float, changed: bool, urgent: bool, due: bool) -> None:
    throttle = Throttle(0.5, 4.0)
    throttle.sent(10.0)
    assert throttle.is_due(now_s, changed=changed, urgent=urgent) is due


@given(st.floats(0, 1e6), st.booleans())
def test_silence_never_outlasts_the_pulse(sent_s: float, changed: bool) -> None:
    throttle = Throttle(0.1, 1.0)
    throttle.sent(sent_s)
    assert throttle.is_due(sent_s + 1.0 + 1e-6, changed=changed)
