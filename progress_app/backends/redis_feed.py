"""The server's side of Redis: one subscription a process, for ever.

1. The subscription is one connection of its own, read without a timer a message (a timer costs more than the
   message). A watchdog sends PING instead; a connection that is silent for too long is half-open and is cut.
2. SUBSCRIBE names only the channels that somebody watches, in batches, and names them all again after each
   reconnect. Each confirmation tells the sink which channels must be read from storage, because pub/sub is
   at-most-once.
3. Reading from storage uses a second client, with short time-outs and a few connections: after a restart of the
   server thousands of viewers read their logs at once, and take turns.
"""

import asyncio
import logging
import random
import time
from collections.abc import Collection, Sequence
from typing import Any, Final

from redis import asyncio as redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from progress_app.backends.base import Entry, Sink, check_replay
from progress_app.backends.keys import Keys, edges, message, state, stored
from progress_app.backends.redis_errors import readable
from progress_app.backends.redis_subscription import Reply, Subscription
from progress_app.channels import parse
from progress_app.exceptions import BackendUnavailable

BATCH: Final = 512  # names in one SUBSCRIBE, reads in one pipeline: a few dozen KB
PING_EVERY_S: Final = 5.0
SILENT_AFTER_S: Final = 12.0  # two PINGs without any answer
BACKOFF_FIRST_S: Final = 0.1
BACKOFF_MOST_S: Final = 5.0  # Redis is ours and near: look often, but not all processes at once
READ_TIMEOUT_S: Final = 2.0
MOST_READERS: Final = 8  # connections

logger = logging.getLogger(__name__)


class _Silent(RedisConnectionError):
    """A connection that answers no PING."""


class RedisFeed:
    """As `Feed`, on one Redis.

    Args:
        url: where Redis is.
        prefix: first part of every key and topic.

    """

    def __init__(self, url: str, *, prefix: str) -> None:
        self._keys = Keys(prefix)
        self._pool = redis.ConnectionPool.from_url(url, protocol=2, socket_timeout=None, socket_connect_timeout=2)
        readers = redis.BlockingConnectionPool.from_url(
            url, protocol=2, socket_timeout=READ_TIMEOUT_S, socket_connect_timeout=1, retry=None,
            max_connections=MOST_READERS, timeout=READ_TIMEOUT_S,
        )  # fmt: skip
        self._client = redis.Redis.from_pool(readers)
        self._followed: dict[bytes, str] = {}
        self._changes: dict[bytes, bool] = {}  # topic → subscribe?
        self._changed = asyncio.Event()
        self._subscription: Subscription | None = None

    def follow(self, channel: str) -> None:
        """As `Feed.follow`."""
        self._change(channel, follow=True)

    def unfollow(self, channel: str) -> None:
        """As `Feed.unfollow`."""
        self._change(channel, follow=False)

    def _change(self, channel: str, *, follow: bool) -> None:
        topic = self._keys.topic(channel).encode()
        if follow:
            self._followed[topic] = channel
        else:
            self._followed.pop(topic, None)
        self._changes[topic] = follow
        self._changed.set()

    async def run(self, sink: Sink) -> None:
        """As `Feed.run`."""
        failures = 0
        while True:
            began, cause = time.monotonic(), "closed"
            try:
                await self._session(sink)
            except (RedisError, OSError, EOFError) as error:
                logger.warning("The subscription to Redis ended (%s: %s); trying again.", type(error).__name__, error)
                cause = self._cause(error)
            sink.interrupted(cause)
            failures = 0 if time.monotonic() - began > BACKOFF_MOST_S else failures + 1
            limit_s = min(BACKOFF_MOST_S, BACKOFF_FIRST_S * 2**failures)
            await asyncio.sleep(random.uniform(BACKOFF_FIRST_S, limit_s))  # noqa: S311

    def _cause(self, error: Exception) -> str:
        if isinstance(error, _Silent):
            return "silent"
        return "closed" if self._subscription is not None and self._subscription.was_connected else "away"

    async def _session(self, sink: Sink) -> None:
        """Subscribe to all that is followed and deliver until the connection breaks."""
        confirmed: list[str] = []
        self._subscription = subscription = Subscription(lambda reply: self._take(reply, sink, confirmed))
        watchers: list[asyncio.Task[None]] = []
        try:
            await subscription.connect(self._pool)
            self._changes = dict.fromkeys(self._followed, True)
            self._changed.set()
            watchers = [
                asyncio.create_task(self._send_changes(subscription)),
                asyncio.create_task(_watch(subscription)),
            ]
            await subscription.listen()
        finally:
            for watcher in watchers:
                watcher.cancel()
            await subscription.close()
            await asyncio.gather(*watchers, return_exceptions=True)

    def _take(self, reply: Reply, sink: Sink, confirmed: list[str]) -> None:
        kind, topic = reply[0], reply[1]
        if kind == b"message":
            channel = self._followed.get(topic)
            if channel is not None and (told := readable(message, channel, reply[2])) is not None:
                sink.deliver(told)
        elif kind == b"subscribe" and topic in self._followed:
            if not confirmed:
                asyncio.get_running_loop().call_soon(self._resume, sink, confirmed)
            confirmed.append(self._followed[topic])

    @staticmethod
    def _resume(sink: Sink, confirmed: list[str]) -> None:
        """Tell all that was confirmed in one read at once."""
        channels = tuple(confirmed)
        confirmed.clear()
        sink.resumed(channels)

    async def _send_changes(self, subscription: Subscription) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            changes, self._changes = self._changes, {}
            for command, wanted in (("SUBSCRIBE", True), ("UNSUBSCRIBE", False)):
                topics = [topic for topic, follow in changes.items() if follow is wanted]
                for batch in _batches(topics):
                    subscription.send(command, *batch)

    async def read_states(self, channels: Sequence[str]) -> dict[str, Entry]:
        """As `Feed.read_states`."""
        found: dict[str, Entry] = {}
        for batch in _batches(channels):
            commands = [("GET", self._keys.state(parse(name).subject)) for name in batch]
            for name, kept in zip(batch, await self._ask(commands, each=True), strict=True):
                if kept is not None and (told := readable(state, name, kept)) is not None:
                    found[name] = told
        return found

    async def replay(self, channel: str, after: int | None, limit: int) -> list[Entry]:
        """As `Feed.replay`."""
        key = self._keys.log(channel)
        start = "-" if after is None else f"({after}-0"
        commands = [
            ("XRANGE", key, "-", "+", "COUNT", 1),
            ("XREVRANGE", key, "+", "-", "COUNT", 1),
            ("XRANGE", key, start, "+", "COUNT", limit),
        ]
        oldest, newest, found = await self._ask(commands)
        check_replay(channel, after, *edges(oldest, newest))
        return [stored(channel, entry) for entry in found]

    async def positions(self, channels: Sequence[str]) -> dict[str, int]:
        """As `Feed.positions`."""
        found: dict[str, int] = {}
        for batch in _batches(channels):
            commands = [("XREVRANGE", self._keys.log(name), "+", "-", "COUNT", 1) for name in batch]
            for name, newest in zip(batch, await self._ask(commands, each=True), strict=True):
                found[name] = readable(_newest, name, newest) or 0
        return found

    async def _ask(self, commands: Collection[tuple[Any, ...]], *, each: bool = False) -> list[Any]:
        """Answers of several commands in one round trip; with `each`, an error is the answer to its command alone."""
        try:
            async with self._client.pipeline(transaction=True) as pipe:
                for command in commands:
                    pipe.execute_command(*command)
                return await pipe.execute(raise_on_error=not each)
        except (RedisError, OSError) as error:
            raise BackendUnavailable(f"Redis did not answer ({type(error).__name__}): {error}") from error

    async def close(self) -> None:
        """As `Feed.close`."""
        await self._client.aclose()
        await self._pool.disconnect()


async def _watch(subscription: Subscription) -> None:
    """Cut a connection that answers no PING."""
    loop = asyncio.get_running_loop()
    while loop.time() - subscription.heard_at < SILENT_AFTER_S:
        subscription.send("PING")
        await asyncio.sleep(PING_EVERY_S)
    subscription.cut(_Silent(f"Redis has been silent for {SILENT_AFTER_S:.0f} s"))


def _newest(_channel: str, newest: Sequence[Any]) -> int:
    return edges(newest, newest)[1]


def _batches(items: Sequence[Any]) -> list[Sequence[Any]]:
    return [items[i : i + BATCH] for i in range(0, len(items), BATCH)]
