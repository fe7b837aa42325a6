"""The connection that a feed listens on: redis-py makes it (address, password, TLS), hiredis parses it in bulk.

redis-py's own reading costs a future, a time-out and two coroutines a message. Here a message is read, parsed and
handed on in one callback of the event loop. And while messages follow each other closely, they are read in small heaps:
waking up for one costs more than all that is done with it.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import hiredis
from redis import asyncio as redis
from redis.exceptions import ConnectionError as RedisConnectionError

GATHER_S: Final = 0.005  # of the 300 ms within which an update is to be seen
Reply = list[Any]


class Subscription(asyncio.Protocol):
    """One connection in RESP2 that only subscribes and listens.

    Args:
        receive: called with each reply, such as `[b"message", topic, payload]`.

    """

    def __init__(self, receive: Callable[[Reply], None]) -> None:
        self.heard_at = 0.0  # the loop's time of the last byte, in seconds
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._parser = hiredis.Reader()
        self._connection: Any = None
        self._transport: asyncio.Transport | None = None
        self._ended: asyncio.Future[None] = self._loop.create_future()

    @property
    def was_connected(self) -> bool:
        """Whether it ever was."""
        return self._transport is not None

    async def connect(self, pool: redis.ConnectionPool) -> None:
        """Connect; raises RedisError or OSError."""
        self._connection = pool.make_connection()  # type: ignore[no-untyped-call]
        await self._connection.connect()
        # From here on its stream reader is left out. The name is private; redis-py is pinned, and every test of the
        # feed would tell.
        self._transport = self._connection._writer.transport  # noqa: SLF001
        self._transport.set_protocol(self)
        self.heard_at = self._loop.time()

    async def listen(self) -> None:
        """Wait until the connection ends; raises why."""
        await self._ended

    def send(self, *command: bytes | str) -> None:
        """Send a command; a connection that has ended takes it and does nothing."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._connection.pack_command(*command)))

    def data_received(self, data: bytes) -> None:
        """As asyncio.Protocol: hand on all replies that are complete."""
        self._gather()
        self._parser.feed(data)
        try:
            while (reply := self._parser.gets()) is not False:
                if isinstance(reply, Exception):
                    raise RedisConnectionError(f"Redis refused the subscription: {reply}")  # noqa: TRY301
                self._receive(reply)
        except Exception as error:  # noqa: BLE001  (the feed reports it and connects again)
            self.cut(error)

    def _gather(self) -> None:
        """Let messages heap up for a moment if the last ones came only a moment ago."""
        now_s = self._loop.time()
        if now_s - self.heard_at < 2 * GATHER_S and self._transport is not None:
            self._transport.pause_reading()
            self._loop.call_later(GATHER_S, self._go_on)
        self.heard_at = now_s

    def _go_on(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """As asyncio.Protocol."""
        self._end(exc or RedisConnectionError("Redis closed the connection."))

    def cut(self, reason: Exception) -> None:
        """End the connection now."""
        self._end(reason)
        if self._transport is not None:
            self._transport.abort()

    def _end(self, reason: Exception) -> None:
        if not self._ended.done():
            self._ended.set_exception(reason)

    async def close(self) -> None:
        """Give the connection back."""
        self.cut(RedisConnectionError("closed"))
        if not self._ended.cancelled():
            self._ended.exception()  # it has been seen
        if self._connection is not None:
            await self._connection.disconnect(nowait=True)
