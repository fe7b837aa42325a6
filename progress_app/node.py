"""What lives in a server process for the stream: the hub, the streams, who looks after them, who asks Django.

It is built on the event loop: with the server's start or, where a server tells of none, with the first request.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final, cast

import msgspec
from redis import asyncio as redis

from progress_app import conf, connections
from progress_app.authorizer import Authorizer
from progress_app.events import Snapshot
from progress_app.exceptions import BackendUnavailable, Overloaded
from progress_app.guard import Guard
from progress_app.hub import Hub
from progress_app.kick import CHANNEL, users_of
from progress_app.listing import Listing
from progress_app.polling import Polling
from progress_app.processes import TELL_EVERY_S, key, sorted_by_life
from progress_app.seats import RETRY_AFTER_S, Seats
from progress_app.stats import Stats
from progress_app.stream import Stream
from progress_app.sweeper import Sweeper
from progress_app.turnstile import Turnstile

logger = logging.getLogger(__name__)

MOST_CONNECTIONS: Final = 4  # one for all tokens, and one or two for what the processes say of themselves


class Node:
    """The stream's part of a server process. All on one event loop."""

    def __init__(self) -> None:
        self.settings = settings = conf.get()
        self.stats = Stats()
        self.authorizer = Authorizer(threads=settings.authorize_threads, queue=settings.authorize_queue)
        self.sweeper = Sweeper(settings)
        self.seats = Seats(most=settings.max_streams, most_per_user=settings.max_streams_per_user)
        self.guard = Guard(self.authorizer, self.stats, recheck_s=settings.access_recheck_s)
        self._hub: Hub | None = None
        self._polling: Polling | None = None
        self._redis: redis.Redis | None = None
        self._turnstile: Turnstile | None = None
        self._running: set[asyncio.Task[None]] = set()

    @property
    def hub(self) -> Hub:
        """The hub of this process; the first call starts everything."""
        if self._hub is None:
            self._start()
        assert self._hub is not None  # noqa: S101  (set by _start)
        return self._hub

    @property
    def polling(self) -> Polling:
        """Who answers those that poll."""
        if self._polling is None:
            remembered_s = self.settings.poll_cache_s
            self._polling = Polling(self.authorizer, self.hub, self._recorded, self.stats, remembered_s=remembered_s)
        return self._polling

    def _start(self) -> None:
        settings = self.settings
        pool = redis.BlockingConnectionPool.from_url(
            settings.redis_url, max_connections=MOST_CONNECTIONS, timeout=5, socket_timeout=2, socket_connect_timeout=1
        )
        self._redis = redis.Redis.from_pool(pool)
        self._turnstile = Turnstile(self._redis)
        self._hub = Hub(
            connections.feed(), self._recorded, listings=self._listed, overview=self._overview,
            recheck_s=settings.recheck_s, tick_s=settings.tick_s, stats=self.stats,
        )  # fmt: skip
        self._hub.obey(CHANNEL, self._kicked)
        self._hub.start()
        for work in (self.sweeper.run(), self.guard.run(), self._keep_telling()):
            self._spawn(work)

    async def stop(self) -> None:
        """Give everything back."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._hub is not None and self._redis is not None and self._turnstile is not None:
            await self._hub.stop()
            await self._turnstile.close()
            await self._redis.aclose()
        self.authorizer.close()

    def begin_drain(self) -> None:
        """Take no more streams and end those that are open, in their time."""
        if not self.sweeper.draining:
            self._spawn(self.sweeper.drain())

    def check_room(self) -> None:
        """Raise Overloaded when no stream can be taken now."""
        if self.sweeper.draining:
            raise Overloaded("This process is shutting down.", RETRY_AFTER_S)
        self.seats.check()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._running.add(task := asyncio.get_running_loop().create_task(work))
        task.add_done_callback(self._running.discard)

    def look_after(self, stream: Stream, scope: dict[str, Any] | None, *, resumed: bool) -> None:
        """Look after an open stream, which has a seat, until `let_go`.

        `scope` is that of its request, None if it was opened with a token; `resumed`: it brought positions back.
        """
        user, number = stream.grant.user, len(stream.grant.channels)
        logger.info("stream %s: user %s, channels %d", "resume" if resumed else "connect", user, number)
        self.stats.opened += 1
        self.stats.resumed += resumed
        self.sweeper.add(stream)
        self.guard.add(stream, scope)

    def let_go(self, stream: Stream) -> None:
        """Forget a stream that has ended, and say how."""
        self.seats.give_back(stream.grant.user)
        self.sweeper.remove(stream)
        self.guard.remove(stream)
        self.hub.close(stream.mailbox)
        cause = stream.mailbox.ended or stream.outcome
        self.stats.ended[cause] += 1
        self.stats.conflated += stream.mailbox.conflated
        logger.info(
            "stream disconnect: user %s, channels %d, cause %s, duration %.1f s, events %d in %d writes",
            stream.grant.user, len(stream.grant.channels), cause, time.monotonic() - stream.opened_s,
            stream.mailbox.events, stream.writes,
        )  # fmt: skip

    async def take(self, key: str) -> bytes | None:
        """A value from Redis, which is deleted; raises BackendUnavailable."""
        _ = self.hub
        return await cast("Turnstile", self._turnstile).take(key)

    def _kicked(self, data: bytes) -> None:
        users = users_of(data)
        self.polling.forget(users)
        self._spawn(self.guard.kick(users))

    # What the project says

    async def _recorded(self, task: str) -> Snapshot | None:
        return await self.authorizer.recorded(self.settings.recorded, task)

    async def _listed(self, channel: str) -> Listing:
        listed = self.settings.listed
        if listed is None:
            return Listing()
        try:
            return await self.authorizer.ask(lambda: listed(channel))
        except Exception as error:
            raise BackendUnavailable(f"The tasks of {channel} cannot be listed now: {error}") from error

    async def _overview(self) -> bytes:
        told = await self.authorizer.ask(self.settings.overviewed)
        return msgspec.json.encode({"v": 1, **told, "processes": await self._processes()})

    # What the processes say of themselves

    @property
    def _key(self) -> str:
        return key(self.settings.key_prefix)

    async def _keep_telling(self) -> None:
        name = f"{socket.gethostname()}:{os.getpid()}"
        # redis-py may take a cancellation for a time-out while it connects, so the task itself is asked.
        me = cast("asyncio.Task[None]", asyncio.current_task())
        while not me.cancelling():
            told = {
                "name": name, "streams": len(self.sweeper), "channels": len(self.hub),
                "lag_ms": self.stats.take_lag_ms(), "ts": round(time.time(), 3),
            }  # fmt: skip
            with suppress(redis.RedisError, OSError):  # the feed says it when Redis is away
                await cast("redis.Redis", self._redis).hset(self._key, name, msgspec.json.encode(told))
            if not me.cancelling():
                await asyncio.sleep(TELL_EVERY_S)

    async def _processes(self) -> list[dict[str, Any]]:
        found = await cast("redis.Redis", self._redis).hgetall(self._key)
        alive, gone = sorted_by_life(cast("dict[bytes, bytes]", found).values(), time.time())
        if gone:
            await cast("redis.Redis", self._redis).hdel(self._key, *gone)
        return alive
