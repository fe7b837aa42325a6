"""The ASGI application that serves the stream, mounted before Django.

1. `GET /events/` is answered here: authorized by Django (`authorizer`) or by a token, then streamed. So are those that
   poll a snapshot, and `/metrics`. All else goes on to Django.
2. A native EventSource gives up for good on any status but 200. So a session whose stream cannot be opened *now*
   (Redis or the database away, too many) gets a stream that says so, ends, and lets the browser come back; who may
   not read gets the true status, and who has seen the end gets 204, which ends the EventSource. A token's client
   reads statuses: 503.
3. A request that a GRIP proxy signed goes to django-eventstream's own view, and the proxy holds the stream. A forged
   signature is none.
4. At SIGTERM the streams are closed before the server's own shutdown, which would wait for them for ever.
"""

import asyncio
import logging
import secrets
import signal
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any, Final
from urllib.parse import parse_qs

from progress_app.channels import Kind, parse
from progress_app.cors import Cors, Headers
from progress_app.exceptions import BackendUnavailable, Overloaded, TokenRefused, UsageError
from progress_app.held import MARK, may_be_held
from progress_app.metrics import CONTENT_TYPE as METRICS_TYPE
from progress_app.metrics import PATH as METRICS_PATH
from progress_app.metrics import Metrics
from progress_app.node import Node
from progress_app.polling import PATH as POLLING_PATH
from progress_app.sse import parse_positions
from progress_app.stream import UNAVAILABLE, Receive, Send, Stream, refuse, respond
from progress_app.tokens import Grant, redeem
from progress_app.transports.grip import Signatures

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
        self._node = node = Node()
        self._cors = Cors(node.settings.cors_origins)
        self._signatures = Signatures(node.settings.grip_url)
        self._metrics = Metrics(node.stats, streams=lambda: len(node.sweeper), channels=lambda: len(node.hub))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})  # Django would raise on it
        elif scope["path"] == PATH:
            # What opens a stream has ended before it runs: it lasts for hours, and each coroutine in it takes 0.3 KiB.
            if (stream := await self._events(scope, receive, send)) is not None:
                try:
                    await stream.run(receive)
                finally:
                    self._node.let_go(stream)
        elif scope["path"] == METRICS_PATH:
            await self._show_metrics(scope, send)
        elif (asked := POLLING_PATH.fullmatch(scope["path"])) and self._is_preflight(scope):
            await self._preflight(scope, send)
        elif asked and scope["method"] == "GET":
            await self._poll(scope, asked[1], send)
        else:
            await self._django(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                _ = self._node.hub
                _before_signal(signal.SIGTERM, self._node.begin_drain)
                _before_signal(signal.SIGINT, self._node.begin_drain)
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._node.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    def _is_preflight(self, scope: Scope) -> bool:
        return self._cors.is_on and scope["method"] == "OPTIONS"

    async def _preflight(self, scope: Scope, send: Send) -> None:
        await respond(send, 204, None, *self._cors.preflight(_header(scope, b"origin")))

    # Those that poll

    async def _poll(self, scope: Scope, task: str, send: Send) -> None:
        cors = self._cors.headers(_header(scope, b"origin"))
        try:
            await self._node.polling.answer(scope, task, send, *cors)
        except UsageError as error:
            await respond(send, 400, _told("bad-request", str(error)), *cors)
        except (BackendUnavailable, Overloaded) as error:
            logger.warning("A poll was not answered: %s", error)
            told = _told(UNAVAILABLE, "The state of the task cannot be had right now; ask again.")
            await respond(send, 503, told, *cors, (b"retry-after", b"%d" % RETRY_AFTER_S))

    # Those that watch the process

    async def _show_metrics(self, scope: Scope, send: Send) -> None:
        if not await self._may_see_metrics(scope):
            await respond(send, 404, _told("not-found", "Log in as staff, or send the bearer token for metrics."))
            return
        page = self._metrics.page()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", METRICS_TYPE)]})
        await send({"type": "http.response.body", "body": page, "more_body": False})

    async def _may_see_metrics(self, scope: Scope) -> bool:
        token = self._node.settings.metrics_token
        given = _header(scope, b"authorization").removeprefix("Bearer ")
        if token and secrets.compare_digest(given.encode(), token.encode()):
            return True
        try:
            verdict = await self._node.authorizer.authorize({**scope, "query_string": b"channel=ops"})
        except (Overloaded, UsageError):
            return False
        return verdict.grant is not None  # who may watch operations may read their figures

    # A stream

    async def _events(self, scope: Scope, receive: Receive, send: Send) -> Stream | None:
        """Open the stream that is asked for; None when the answer has been given already."""
        cors = self._cors.headers(_header(scope, b"origin"))
        if self._is_preflight(scope):
            await self._preflight(scope, send)
        elif scope["method"] != "GET":
            await respond(send, 405, _told("bad-request", "Only GET opens a stream."), (b"allow", b"GET"), *cors)
        elif self._signatures.fits(_header(scope, b"grip-sig")) and may_be_held(scope["query_string"]):
            await self._django({**scope, MARK: True}, receive, send)
        else:
            return await self._stream(scope, send, cors)
        return None

    async def _stream(self, scope: Scope, send: Send, cors: Headers) -> Stream | None:
        token, seen = _asked(scope)
        try:
            self._node.check_room()
            if token is None:
                grant, headers = await self._by_session(scope, send, cors)
            else:
                grant, headers = await self._by_token(token, send, cors)
            if grant is not None:
                own = scope if token is None else None
                return await self._open(grant, seen, own, send=send, headers=headers)
        except UsageError as error:
            await respond(send, 400, _told("bad-request", str(error)), *cors)
        except (BackendUnavailable, Overloaded) as error:
            self._node.stats.refused["overloaded" if isinstance(error, Overloaded) else UNAVAILABLE] += 1
            logger.warning("A stream was not opened: %s", error)
            await self._come_back(send, error, cors, by_token=token is not None)
        return None

    async def _come_back(self, send: Send, error: Exception, cors: Headers, *, by_token: bool) -> None:
        text = "The live view is not available right now; it is tried again."
        if by_token:
            after_s = error.retry_after_s if isinstance(error, Overloaded) else RETRY_AFTER_S
            await respond(send, 503, _told(UNAVAILABLE, text), (b"retry-after", b"%d" % after_s), *cors)
        else:
            await refuse(send, UNAVAILABLE, text, *cors)

    async def _by_session(self, scope: Scope, send: Send, cors: Headers) -> tuple[Grant | None, Headers]:
        verdict = await self._node.authorizer.authorize(scope)
        if verdict.status >= SERVER_ERROR:
            raise BackendUnavailable(f"Django answered {verdict.status} when it was asked who may read.")
        if verdict.grant is None:
            self._node.stats.refused[str(verdict.status)] += 1
            headers = [*verdict.headers, *cors]
            await send({"type": "http.response.start", "status": verdict.status, "headers": headers})
            await send({"type": "http.response.body", "body": verdict.body, "more_body": False})
        return verdict.grant, [*verdict.cookies, *cors]

    async def _by_token(self, token: str, send: Send, cors: Headers) -> tuple[Grant | None, Headers]:
        try:
            return await redeem(self._node.take, prefix=self._node.settings.key_prefix, token=token), cors
        except TokenRefused:
            self._node.stats.refused["401"] += 1
            told = _told("unauthorized", "The token is missing, expired or used: ask for a new one.")
            await respond(send, 401, told, *cors)
            return None, cors

    async def _open(
        self, grant: Grant, seen: dict[str, int], scope: Scope | None, *, send: Send, headers: Headers
    ) -> Stream | None:
        if _has_seen_the_end(grant.channels, seen):
            await respond(send, 204, None, *headers)
            return None
        node = self._node
        node.seats.take(grant.user)
        try:
            mailbox = await node.hub.open([parse(name) for name in grant.channels], seen)
        except BaseException:
            node.seats.give_back(grant.user)
            raise
        stream = Stream(grant, node.hub, mailbox, send, headers=headers, heartbeat_s=node.settings.heartbeat_s)
        node.look_after(stream, scope, resumed=bool(seen))
        return stream


def _has_seen_the_end(names: Iterable[str], seen: dict[str, int]) -> bool:
    """Whether every channel belongs to a finished task whose end the client brought back: only ends carry an id."""
    channels = [parse(name) for name in names]
    ended = {c.subject for c in channels if c.kind is Kind.TASK and c.name in seen}
    return all(c.task is not None and c.task in ended for c in channels)


def _asked(scope: Scope) -> tuple[str | None, dict[str, int]]:
    """The token of a request, None without one, and the positions that it brings back."""
    query = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=None)
    positions = parse_positions(_header(scope, b"last-event-id") or query.get("lastEventId", [""])[-1])
    return (query["token"][-1] if "token" in query else None), positions


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _told(condition: str, text: str) -> dict[str, Any]:
    return {"v": 1, "condition": condition, "text": text, "retryable": condition == UNAVAILABLE}


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
