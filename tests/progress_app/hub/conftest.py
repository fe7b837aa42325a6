"""A hub over a memory backend, which checks and ticks when the test says so."""

from collections.abc import AsyncIterator

import pytest

from progress_app import hub as hub_module
from progress_app.backends.memory import MemoryBackend
from progress_app.hub import Hub
from tests.progress_app.doubles import Clock
from tests.progress_app.hub.feeding import KEPT, NEVER_S, Feed, Records


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def backend(clock: Clock) -> MemoryBackend:
    return MemoryBackend(log_entries=KEPT, clock=clock)


@pytest.fixture
def records() -> Records:
    return Records()


@pytest.fixture
async def feed(backend: MemoryBackend) -> Feed:
    backend._feeds.append(feed := Feed(backend))
    return feed


@pytest.fixture
async def hub(feed: Feed, records: Records, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hub]:
    """A hub that checks and ticks when the test says so."""
    monkeypatch.setattr(hub_module, "COMPARE_AGAIN_S", 0.0)
    monkeypatch.setattr(hub_module, "RESTART_AFTER_S", 0.0)
    running = Hub(feed, records, recheck_s=NEVER_S, tick_s=NEVER_S, clock=clock)
    running.start()
    yield running
    await running.stop()
