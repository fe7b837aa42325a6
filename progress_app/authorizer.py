"""Asks Django, on a few threads of its own, whether a stream may be opened, and what the project has on record.

1. The question is a synchronous sub-request through Django's middleware to `/events/authorize/`, with the headers of
   the stream's own request: sessions, proxies' headers and whatever else a project's middleware knows keep working.
   It costs a third of the same through Django's ASGI handler, and leaves no thread and no database connection
   behind with the stream.
2. It is marked by a key in the ASGI scope, which no HTTP request can set.
3. The queue before the threads is bounded: a crowd that comes back at once is told to come later instead of being
   answered after it has given up.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final, TypeVar

import msgspec
from django.contrib.auth import get_user_model
from django.core import signals
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.base import BaseHandler
from django.db import close_old_connections, connections
from django.http import HttpResponseBase
from django.urls import reverse, set_script_prefix
from django_eventstream.utils import get_channelmanager

from progress_app.events import Snapshot
from progress_app.exceptions import Overloaded, UsageError
from progress_app.tokens import Grant

NO: Final = frozenset({401, 403})
MARK: Final = "progress_app.authorize"
RETRY_AFTER_S: Final = 2.0
CONNECTION_LIVES_S: Final = 60.0
A = TypeVar("A")
T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Django's answer: its status, headers and body; `grant` when the stream may be opened.

    `cookies` are the Set-Cookie headers, which belong to the stream's answer too.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    grant: Grant | None

    @property
    def is_no(self) -> bool:
        """Whether Django said that this must not be read; a fault of Django's is no answer."""
        return self.status in NO

    @property
    def cookies(self) -> list[tuple[bytes, bytes]]:
        """What the middleware set, a renewed session for instance."""
        return [header for header in self.headers if header[0] == b"set-cookie"]


class Authorizer:
    """Runs questions to Django in a bounded pool.

    Args:
        threads: how many questions are answered at a time.
        queue: how many may wait.

    """

    def __init__(self, *, threads: int, queue: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="progress-authorize")
        self._limit = threads + queue
        self._pending = 0
        self._handler: _Handler | None = None

    async def authorize(self, scope: dict[str, Any]) -> Verdict:
        """Whether the request of this ASGI scope may open the stream that it asks for.

        Raises:
            Overloaded: too many are waiting.
            UsageError: the request cannot be read.

        """
        return await self._run(lambda: self._ask(scope))

    async def still(self, grant: Grant) -> bool:
        """Whether the user of a grant may read all its channels now.

        Raises:
            Overloaded: too many are waiting.

        """
        return await self._run(lambda: _with_connection(_may_still, grant))

    async def ask(self, hook: Callable[[], T]) -> T:
        """What a hook of the project says, asked in a thread with a database connection; raises what it raises."""
        return await self._run(lambda: _with_connection(lambda _: hook(), None))

    async def recorded(self, hook: Callable[[str], Snapshot | None], task: str) -> Snapshot | None:
        """The project's record of a task; None also when the record cannot be had now."""
        try:
            return await self._run(lambda: _with_connection(hook, task))
        except Exception:
            logger.exception("The record of task %s could not be read.", task)
            return None

    async def _run(self, ask: Callable[[], T]) -> T:
        if self._pending >= self._limit:
            raise Overloaded(f"{self._pending} requests wait to be authorized.", RETRY_AFTER_S)
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, ask)
        finally:
            self._pending -= 1

    def _ask(self, scope: dict[str, Any]) -> Verdict:
        if self._handler is None:
            self._handler = _Handler()
        return self._handler.answer(scope)

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _may_still(grant: Grant) -> bool:
    user = get_user_model()._default_manager.filter(pk=grant.user).first()  # noqa: SLF001  (Django's own name)
    manager = get_channelmanager()
    may = user is not None and user.is_active
    return may and all(manager.can_read_channel(user, channel) for channel in grant.channels)


def _with_connection(hook: Callable[[A], T], about: A) -> T:
    try:
        return hook(about)
    finally:
        close_old_connections()


class _Handler(BaseHandler):
    """Django's handler without a server: one synchronous request in, one response out."""

    def __init__(self) -> None:
        self.load_middleware(is_async=False)

    def answer(self, scope: dict[str, Any]) -> Verdict:
        path = reverse("progress:authorize")
        inner = {**scope, "method": "GET", "path": path, "raw_path": path.encode(), MARK: True}
        set_script_prefix("/")
        request = _request(inner)
        signals.request_started.send(sender=type(self), scope=inner)
        response = self.get_response(request)
        try:
            return _verdict(response)
        finally:
            _keep_connections()
            response.close()  # sends request_finished, which closes database connections of old age


def _keep_connections() -> None:
    """Let this thread's connections live on: Django's own requests each have a thread, ours share a few.

    A connection pool keeps its connections itself.
    """
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None and not connection.settings_dict["OPTIONS"].get("pool"):
            connection.health_check_enabled = True  # type: ignore[attr-defined]  # missing in the stubs
            if not connection.close_at or connection.close_at < time.monotonic() + CONNECTION_LIVES_S / 2:
                connection.close_at = time.monotonic() + CONNECTION_LIVES_S


def _request(scope: dict[str, Any]) -> ASGIRequest:
    try:
        return ASGIRequest(scope, BytesIO())
    except ValueError as error:  # a query that is no UTF-8, a Content-Type of an unknown character set
        raise UsageError("The request cannot be read: its query must be UTF-8, its headers well-formed.") from error


def _verdict(response: HttpResponseBase) -> Verdict:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.items()]
    headers += [(b"set-cookie", morsel.OutputString().encode("latin-1")) for morsel in response.cookies.values()]
    body = b"" if response.streaming else response.getvalue()
    grant = msgspec.json.decode(body, type=Grant) if response.status_code == 200 else None  # noqa: PLR2004
    return Verdict(response.status_code, headers, body, grant)
