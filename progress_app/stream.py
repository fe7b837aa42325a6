"""One open stream: what it says first, what it writes, and how it ends.

It holds no thread, no database connection and no Redis connection: two coroutines and a mailbox.

The server's `send` waits only while the viewer is slow. So the mailbox may call `write_now`, which takes the first
step of `send` without a coroutine of its own: nearly always that is all of it, and else the stream's coroutine does
the rest.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Generator, Mapping, MutableMapping, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec

from progress_app import sse
from progress_app.exceptions import BackendUnavailable
from progress_app.hub import Hub
from progress_app.subscriber import Subscriber
from progress_app.tokens import Grant

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
Headers = Sequence[tuple[bytes, bytes]]

HEADERS: Final = [
    (b"content-type", sse.CONTENT_TYPE),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),  # nginx passes each write on
    (b"content-encoding", b"identity"),  # nobody on the way may gzip, which would hold events back
]
FORBIDDEN: Final = "forbidden"
UNAVAILABLE: Final = "unavailable"  # of the conditions the one that may pass
RETRY_MS: Final = (1_000, 5_000)  # each client waits its own time, so that a crowd does not come back at once
REDIS_AWAY_S: Final = 1.0

logger = logging.getLogger(__name__)


def retry_ms() -> int:
    """How long one client should wait before it connects again, in milliseconds."""
    return random.randint(*RETRY_MS)  # noqa: S311


class Stream:
    """A viewer's stream between its mailbox and the server's `send`.

    Args:
        grant: who watches what.
        mailbox: opened by the hub.
        send: the ASGI server's.
        headers: sent beside the stream's own.
        heartbeat_s: told to the client, who may take twice that silence for an end.

    """

    __slots__ = ("_beat", "_headers", "_heartbeat_s", "_hub", "_rest", "_send", "_task", "draining", "grant", "mailbox",
                 "opened_s", "outcome", "send_began_s", "writes", "wrote_s")  # fmt: skip

    def __init__(
        self, grant: Grant, hub: Hub, mailbox: Subscriber, send: Send, *, headers: Headers = (), heartbeat_s: float
    ) -> None:
        self.grant = grant
        self.mailbox = mailbox
        self.draining = False
        self.outcome = "failed"  # the cause of the end, once it has ended by itself
        self.writes = 0
        self.opened_s = self.wrote_s = time.monotonic()
        self.send_began_s: float | None = None
        self._hub = hub
        self._send = send
        self._headers = headers
        self._heartbeat_s = heartbeat_s
        self._beat = False
        self._rest: _Rest | None = None
        self._task = asyncio.current_task()

    async def run(self, receive: Receive) -> str:
        """Serve until the end; returns its cause in one word."""
        watcher = asyncio.create_task(self._watch(receive))
        try:
            await self._begin()
            while await self._goes_on():
                await self.mailbox.wait()
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        except asyncio.CancelledError:
            if self.mailbox.ended is None:
                raise  # the server ends; otherwise the sweeper cut us off, and that is an end like others
        except OSError:  # some servers raise when the viewer is no longer there to be written to
            self.mailbox.end("disconnected")
        finally:
            watcher.cancel()
        self.outcome = self.mailbox.ended or "finished"
        return self.outcome

    async def _begin(self) -> None:
        headers, self._headers = [*HEADERS, *self._headers], ()
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._write(self._opening())
        self.mailbox.write_by(self.write_now)

    def _opening(self) -> bytes:
        told = {"v": 1, "heartbeat_s": self._heartbeat_s, "now": time.time()}
        event = sse.frame("stream-open", msgspec.json.encode(told))
        positions = self.mailbox.positions
        return sse.retry(retry_ms()) + (event.with_id(positions) if positions else event.plain)

    async def _goes_on(self) -> bool:
        """Write what waits; False once that was the last."""
        mailbox = self.mailbox
        await self._finish_write()
        if mailbox.ended == FORBIDDEN:  # what waits is no longer this viewer's to see
            await self._write(error_frame(FORBIDDEN, "You may not watch this any more.", retryable=False))
            return False
        if chunk := mailbox.take():
            await self._write(chunk)
        elif self._beat:
            await self._write(sse.HEARTBEAT)
        self._beat = False
        if mailbox.behind and not mailbox.ended:
            await self._catch_up()
        elif mailbox.ended or self._hub.finished(mailbox):
            if self.draining:
                await self._write(sse.retry(retry_ms()))
            return False
        return True

    async def _catch_up(self) -> None:
        try:
            await self._hub.catch_up(self.mailbox)
        except BackendUnavailable as error:
            logger.warning("%s", error)
            await asyncio.sleep(REDIS_AWAY_S)
        self.mailbox.wake()

    async def _write(self, chunk: bytes) -> None:
        self.send_began_s = self.wrote_s = time.monotonic()
        self.writes += 1
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
        self.send_began_s = None

    def write_now(self, chunk: bytes) -> None:
        """Write while the stream's coroutine sleeps."""
        self.send_began_s = self.wrote_s = time.monotonic()
        self.writes += 1
        sending = self._send({"type": "http.response.body", "body": chunk, "more_body": True}).__await__()
        try:
            waits_for = next(sending)
        except StopIteration:
            self.send_began_s = None
        except Exception as error:  # noqa: BLE001  (one viewer's fault must not reach the hub)
            logger.debug("A write failed: %s", error)
            self.mailbox.end("disconnected")
        else:
            self._rest = _Rest(sending, waits_for)
            self.mailbox.wake()

    async def _finish_write(self) -> None:
        if self._rest is not None:
            rest, self._rest = self._rest, None
            await rest
            self.send_began_s = None

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        # A server that shuts down says "disconnect" to all at once, while the drain closes them one by one.
        if not self.draining:
            self.mailbox.end("disconnected")

    def heartbeat(self) -> None:
        """Say something soon, so that nobody on the way takes the silence for an end."""
        self._beat = True
        self.mailbox.wake()

    def forbid(self) -> None:
        """End the stream of a viewer who may not read any more."""
        self.mailbox.end(FORBIDDEN)

    def cut(self, cause: str) -> None:
        """End a stream that cannot be written to."""
        self.mailbox.end(cause)
        if self._task is not None:
            self._task.cancel()


class _Rest:
    """The rest of an awaitable whose first step was taken: it waits for what that step gave."""

    __slots__ = ("_steps", "_waits_for")

    def __init__(self, steps: Generator[Any, Any, None], waits_for: Any) -> None:
        self._steps = steps
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, None]:
        yield self._waits_for
        yield from self._steps


def error_frame(condition: str, text: str, *, retryable: bool) -> bytes:
    """The event that says why a stream ends."""
    error = {"v": 1, "condition": condition, "text": text, "retryable": retryable}
    return sse.frame("stream-error", msgspec.json.encode(error)).plain


async def refuse(send: Send, condition: str, text: str, *headers: tuple[bytes, bytes]) -> None:
    """Answer with a stream that says why it ends, to a client that gives up on any status but 200."""
    body = sse.retry(retry_ms()) + error_frame(condition, text, retryable=True)
    await send({"type": "http.response.start", "status": 200, "headers": [*HEADERS, *headers]})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def respond(send: Send, status: int, told: Mapping[str, Any] | None, *headers: tuple[bytes, bytes]) -> None:
    """Answer with a status and a JSON body (None: an empty one)."""
    body = b"" if told is None else msgspec.json.encode(told)
    own = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")] if told is not None else []
    length = [(b"content-length", str(len(body)).encode())] if status != 204 else []  # noqa: PLR2004
    await send({"type": "http.response.start", "status": status, "headers": [*own, *length, *headers]})
    with suppress(OSError):
        await send({"type": "http.response.body", "body": body, "more_body": False})
