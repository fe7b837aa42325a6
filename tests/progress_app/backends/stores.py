"""A backend in memory and one on a real Redis, with what a test does to them."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from redis import Redis

from progress_app.backends.base import Backend, Entry, Feed
from progress_app.backends.memory import MemoryBackend, MemoryFeed
from progress_app.backends.redis_feed import RedisFeed
from progress_app.channels import log_channel, task_channel
from progress_app.events import LogEntry
from tests import processes
from tests.progress_app.doubles import OTHER_TASK, TASK, Clock, entry, redis_backend
from tests.stack import Valkey

STATE, LOG = task_channel(TASK), log_channel(TASK)
OTHER_STATE, OTHER_LOG = task_channel(OTHER_TASK), log_channel(OTHER_TASK)
NEWS = "user-7"
KEPT = 20  # log entries
Replay = Callable[[str, int | None, int], Awaitable[list[Entry]]]


class Store(Protocol):
    """A backend with what a test does to it."""

    backend: Backend

    def feed(self) -> Feed:
        """A new feed of the backend."""

    def now_s(self) -> int:
        """The whole second that a new channel would start in."""

    def lose_data(self) -> None:
        """Forget everything; the next second has begun then."""

    def interrupt(self, feed: Feed) -> None:
        """Break the feed's connection; it comes back."""


class InMemory:
    def __init__(self) -> None:
        self.clock = Clock()
        self.memory = MemoryBackend(log_entries=KEPT, clock=self.clock)
        self.backend: Backend = self.memory

    def feed(self) -> Feed:
        return self.memory.feed()

    def now_s(self) -> int:
        return int(self.clock.now)

    def lose_data(self) -> None:
        self.memory.clear()
        self.clock.now += 1

    def interrupt(self, feed: Feed) -> None:
        assert isinstance(feed, MemoryFeed)
        feed.interrupt()
        feed.resume()


class InRedis:
    def __init__(self, server: Valkey, client: Redis) -> None:
        self.client = client
        self.url = server.url
        self.backend: Backend = redis_backend(client, log_entries=KEPT)

    def feed(self) -> Feed:
        return RedisFeed(self.url, prefix="test")

    def now_s(self) -> int:
        return int(self.client.time()[0])

    def lose_data(self) -> None:
        self.client.flushall()
        then_s = self.now_s()
        processes.until(lambda: self.now_s() > then_s, what="the next second")

    def interrupt(self, feed: Feed) -> None:
        self.client.client_kill_filter(_type="pubsub")


def texts(entries: list[Entry]) -> list[str]:
    return [LogEntry.from_json(found.data).text for found in entries]


def lines(*words: str) -> list[LogEntry]:
    return [entry(word) for word in words]
