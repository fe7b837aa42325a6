"""What these tests are given."""

from collections.abc import AsyncIterator

import pytest

from progress_app.backends import redis_feed
from progress_app.backends.base import Backend, Entry
from tests.progress_app.backends.stores import InMemory, InRedis, Replay, Store


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Store:
    if request.param == "memory":
        return InMemory()
    monkeypatch.setattr(redis_feed, "BACKOFF_FIRST_S", 0.001)
    return InRedis(request.getfixturevalue("scratch"), request.getfixturevalue("scratch_db"))


@pytest.fixture
def backend(store: Store) -> Backend:
    return store.backend


@pytest.fixture(params=["backend", "feed"])
async def replay(request: pytest.FixtureRequest, store: Store) -> AsyncIterator[Replay]:
    """Both ways to read a log channel again."""
    feed = store.feed()

    async def read(channel: str, after: int | None, limit: int) -> list[Entry]:
        if request.param == "feed":
            return await feed.replay(channel, after, limit)
        return store.backend.replay(channel, after, limit)

    yield read
    await feed.close()
