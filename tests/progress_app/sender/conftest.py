"""Senders that look often, on a clock that only the test moves."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from progress_app import sender as sender_module
from progress_app.sender import Sender
from tests.progress_app.doubles import Clock
from tests.progress_app.sender.source import LONG_S, SHORT_S, FakeSource


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def make(source: FakeSource, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Sender]]:
    """Make senders that look often; the test moves their clock."""
    monkeypatch.setattr(sender_module, "RETRY_S", SHORT_S)
    monkeypatch.setattr(sender_module, "RENEW_AGAIN_S", SHORT_S)
    made = []

    def build(**changes: Any) -> Sender:
        settings: dict[str, Any] = {
            "interval_s": SHORT_S, "pulse_s": 1.0, "renew_interval_s": LONG_S, "lease_s": 45.0, "clock": clock
        }  # fmt: skip
        made.append(sender := Sender(source, **(settings | changes)))
        return sender

    yield build
    for sender in made:
        sender.stop()
