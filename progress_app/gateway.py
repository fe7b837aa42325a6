"""The ASGI application that serves the stream, mounted before Django.

1. `GET /events/` is answered here: authorized by Django (`authorizer`) or by a token, then streamed. All else goes
   on to Django.
2. A native EventSource gives up for good on any status but 200. So a session whose stream cannot be opened *now*
   (Redis or the database away, too many) gets a stream that says so, ends, and lets the browser come back; who may
   not read gets the true status, and who has seen the end gets 204, which ends the EventSource. A token's client
   reads statuses: 503.
3. At SIGTERM the streams are closed before the server's own shutdown, which would wait for them for ever.
"""

import asyncio
import logging
import signal
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any, Final, cast
from urllib.parse import parse_qs

from redis import asyncio as redis

from progress_app import conf, connections
from progress_app.authorizer import Authorizer
from progress_app.channels import Kind, parse
from progress_app.events import Snapshot
from progress_app.exceptions import BackendUnavailable, Overloaded, TokenRefused, UsageError
from progress_app.hub import Hub
from progress_app.seats import Seats
from progress_app.sse import parse_positions
from progress_app.stream import Receive, Send, Stream, refuse, respond
from progress_app.sweeper import Sweeper
from progress_app.tokens import Grant, redeem

PATH: Final = "/events/"
RETRY_AFTER_S: Final = 5.0
SERVER_ERROR: Final = 500

logger = logging.getLogger(__name__)
Scope = dict[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]


class Gateway:
    """The stream's end of a server process; everything else goes to `django`."""

    def __init__(self, django: Application) -> None:
        self._django = django
        self._settings = settings = conf.get()
        self._authorizer = Authorizer(threads=settings.authorize_threads, queue=settings.authorize_queue)
        self._sweeper = Sweeper(settings)
        self._seats = Seats(most=settings.max_streams, most_per_user=settings.max_streams_per_user)
        self._hub: Hub | None = None
        self._tokens: redis.Redis | None = None
        self._running: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http" and scope["path"] == PATH:
            await self._events(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})  # Django would raise on it
        else:
            await self._django(scope, receive, send)

    # The process

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._start()
                _before_signal(signal.SIGTERM, self._begin_drain)
                _before_signal(signal.SIGINT, self._begin_drain)
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    def _start(self) -> Hub:
        """Build what lives on the event loop; servers without a lifespan get it with their first stream."""
        if self._hub is None:
            settings = self._settings
            self._hub = Hub(connections.feed(), self._recorded, recheck_s=settings.recheck_s, tick_s=settings.tick_s)
            self._tokens = redis.Redis.from_url(settings.redis_url, socket_timeout=2, socket_connect_timeout=1)
            self._hub.start()
            self._spawn(self._sweeper.run())
        return self._hub

    async def _stop(self) -> None:
        for task in self._running:
            task.cancel()
        if self._hub is not None and self._tokens is not None:
            await self._hub.stop()
            await self._tokens.aclose()
        self._authorizer.close()

    def _begin_drain(self) -> None:
        if not self._sweeper.draining:
            self._spawn(self._sweeper.drain())

    def _spawn(self, work: Any) -> None:
        self._running.add(task := asyncio.get_running_loop().create_task(work))
        task.add_done_callback(self._running.discard)

    async def _recorded(self, task: str) -> Snapshot | None:
        return await self._authorizer.recorded(self._settings.recorded, task)

    # A request

    async def _events(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            await respond(send, 405, _told("bad-request", "Only GET opens a stream."), (b"allow", b"GET"))
            return
        query = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=None)
        seen = parse_positions(_header(scope, b"last-event-id") or query.get("lastEventId", [""])[-1])
        by_token = "token" in query
        try:
            self._check_room()
            grant, cookies = await (
                self._by_token(query["token"][-1], send) if by_token else self._by_session(scope, send)
            )
            if grant is not None:
                await self._open(grant, seen, receive, send, cookies)
        except UsageError as error:
            await respond(send, 400, _told("bad-request", str(error)))
        except (BackendUnavailable, Overloaded) as error:
            logger.warning("A stream was not opened: %s", error)
            await self._come_back(send, error, by_token=by_token)

    async def _come_back(self, send: Send, error: Exception, *, by_token: bool) -> None:
        text = "The live view is not available right now; it is tried again."
        if by_token:
            after_s = error.retry_after_s if isinstance(error, Overloaded) else RETRY_AFTER_S
            await respond(send, 503, _told("unavailable", text), (b"retry-after", b"%d" % after_s))
        else:
            await refuse(send, "unavailable", text)

    async def _by_session(self, scope: Scope, send: Send) -> tuple[Grant | None, list[tuple[bytes, bytes]]]:
        verdict = await self._authorizer.authorize(scope)
        if verdict.status >= SERVER_ERROR:
            raise BackendUnavailable(f"Django answered {verdict.status} when it was asked who may read.")
        if verdict.grant is None:
            await send({"type": "http.response.start", "status": verdict.status, "headers": verdict.headers})
            await send({"type": "http.response.body", "body": verdict.body, "more_body": False})
        return verdict.grant, verdict.cookies

    async def _by_token(self, token: str, send: Send) -> tuple[Grant | None, list[tuple[bytes, bytes]]]:
        self._start()
        try:
            return await redeem(self._take, prefix=self._settings.key_prefix, token=token), []
        except TokenRefused:
            await respond(send, 401, _told("unauthorized", "The token is missing, expired or used: ask for a new one."))
            return None, []

    async def _take(self, key: str) -> bytes | None:
        assert self._tokens is not None  # noqa: S101  (set by _start)
        try:
            return cast("bytes | None", await self._tokens.getdel(key))
        except redis.RedisError as error:
            raise BackendUnavailable(f"Redis did not answer ({type(error).__name__}).") from error

    async def _open(
        self,
        grant: Grant,
        seen: dict[str, int],
        receive: Receive,
        send: Send,
        cookies: list[tuple[bytes, bytes]],
    ) -> None:
        if _has_seen_the_end(grant.channels, seen):
            await respond(send, 204, None, *cookies)
            return
        with self._seats.taken(grant.user):
            hub = self._start()
            mailbox = await hub.open([parse(name) for name in grant.channels], seen)
            stream = Stream(grant, hub, mailbox, send, heartbeat_s=self._settings.heartbeat_s)
            self._sweeper.add(stream)
            cause = "failed"
            try:
                cause = await stream.run(receive, cookies)
            finally:
                self._sweeper.remove(stream)
                hub.close(mailbox)
                seconds = time.monotonic() - stream.opened_s
                logger.info("A stream of %d channels ended after %.1f s: %s.", len(grant.channels), seconds, cause)

    def _check_room(self) -> None:
        """Turn away before anything is asked or a token is spent."""
        if self._sweeper.draining:
            raise Overloaded("This process is shutting down.", RETRY_AFTER_S)
        self._seats.check()


def _has_seen_the_end(names: Iterable[str], seen: dict[str, int]) -> bool:
    """Whether every channel belongs to a finished task whose end the client brought back: only ends carry an id."""
    channels = [parse(name) for name in names]
    ended = {c.subject for c in channels if c.kind is Kind.TASK and c.name in seen}
    return all(c.task is not None and c.task in ended for c in channels)


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _told(condition: str, text: str) -> dict[str, Any]:
    return {"v": 1, "condition": condition, "text": text, "retryable": False}


def _before_signal(number: signal.Signals, call: Callable[[], None]) -> None:
    """Call this on the event loop, then let the server's own handler do its part. Main thread only."""
    loop, previous = asyncio.get_running_loop(), signal.getsignal(number)

    def handle(received: int, frame: Any) -> None:
        with suppress(RuntimeError):  # the loop has ended already
            loop.call_soon_threadsafe(call)
        if callable(previous):
            previous(received, frame)

    with suppress(ValueError):  # not in the main thread: whoever runs us there handles signals
        signal.signal(number, handle)
