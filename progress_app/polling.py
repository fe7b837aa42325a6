"""Snapshots for those that ask again and again: when to ask next, what has changed, and the answer without Django.

Django's handler alone costs several milliseconds. So a server process remembers for a short while that a session may
read a task, and answers from Redis; who may not see it, or has no session, gets the same 404 as from Django.
"""

import hashlib
import re
import time
from dataclasses import dataclass
from typing import Any, Final

from progress_app import conf, hosted
from progress_app.authorizer import Authorizer
from progress_app.backends.base import snapshot_in
from progress_app.channels import task_channel
from progress_app.events import Snapshot, State
from progress_app.exceptions import BackendUnavailable
from progress_app.hub import Hub
from progress_app.listing import Records
from progress_app.present import newer
from progress_app.stats import Stats
from progress_app.stream import Send

PATH: Final = re.compile(r"/tasks/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/snapshot/")
IDLE_S: Final = 5.0  # without a pulse for so long, or queued: little happens soon
LEAST_S: Final = 1
MOST_S: Final = 15
LATER: Final = 10  # ask about so many times before the end that is forecast
MOST_REMEMBERED: Final = 20_000  # permissions: some 5 MB
RECENT_S: Final = 0.25
MOST_RECENT: Final = 1_000
SERVER_ERROR: Final = 500
NOT_FOUND: Final = b'{"v":1,"condition":"not-found","text":"There is no such task, or it is not yours to see."}'
Headers = list[tuple[bytes, bytes]]


def etag(snapshot: Snapshot, way: str = "") -> str:
    """What names this state of the task, and the way that clients should use."""
    place = snapshot.queue.position if snapshot.queue else 0  # nothing reports a task that waits: its pos stays
    suffix = f"-{way}" if way in conf.HOSTED else ""
    return f'"{snapshot.pos}-{snapshot.state}-{place}{suffix}"'


def matches(etag: str, asked: str) -> bool:
    """Whether an If-None-Match names this state."""
    return asked == "*" or etag in (part.strip().removeprefix("W/") for part in asked.split(","))


def retry_after_s(snapshot: Snapshot, now_s: float) -> int | None:
    """When to ask again, in whole seconds: sooner near the end, later while little happens; None after the end."""
    if snapshot.is_final:
        return None
    if snapshot.state is State.QUEUED and snapshot.queue is not None and snapshot.queue.starts_in_s is not None:
        return _bounded(snapshot.queue.starts_in_s / LATER, least=2)
    if snapshot.state in (State.QUEUED, State.RETRYING) or now_s - snapshot.ts > IDLE_S:
        return int(IDLE_S)
    return _bounded(snapshot.eta.low / LATER, most=int(IDLE_S)) if snapshot.eta is not None else LEAST_S


def _bounded(seconds: float, *, least: int = LEAST_S, most: int = MOST_S) -> int:
    return max(least, min(most, round(seconds)))


@dataclass(frozen=True, slots=True)
class _Permission:
    user: str  # empty: may not
    until_s: float


@dataclass(frozen=True, slots=True)
class _Shown:
    snapshot: Snapshot
    tag: str
    body: bytes
    until_s: float


class Polling:
    """Answers `GET /tasks/<uuid>/snapshot/` in a server process. All on one event loop.

    Args:
        authorizer: asks Django who may read.
        hub: reads Redis.
        records: the project's own record of a task.
        stats: counts the answers.
        remembered_s: how long a permission is remembered.

    """

    def __init__(
        self, authorizer: Authorizer, hub: Hub, records: Records, stats: Stats, *, remembered_s: float
    ) -> None:
        self._authorizer = authorizer
        self._hub = hub
        self._records = records
        self._stats = stats
        self._remembered_s = remembered_s
        self._permissions: dict[tuple[bytes, str], _Permission] = {}
        self._recent: dict[str, _Shown] = {}

    def forget(self, users: frozenset[str] | None) -> None:
        """Ask anew whether these users may read; None: all."""
        kept = {} if users is None else {k: p for k, p in self._permissions.items() if p.user not in users}
        self._permissions = kept

    async def answer(self, scope: dict[str, Any], task: str, send: Send, *more: tuple[bytes, bytes]) -> None:
        """Answer a request for the snapshot of a task, with `more` headers.

        Raises:
            Overloaded, BackendUnavailable: come back later.

        """
        may, cookies = await self._may_read(scope, task)
        shown = await self._shown(task) if may else None
        headers = [*cookies, *more, (b"vary", b"Cookie"), (b"cache-control", b"private, no-cache")]
        if shown is None:
            await self._send(send, 404, NOT_FOUND, headers)
            return
        tag, asked = shown.tag, _header(scope, b"if-none-match")
        headers.append((b"etag", tag.encode()))
        again_s = retry_after_s(shown.snapshot, time.time())
        if again_s is not None:
            headers.append((b"retry-after", b"%d" % again_s))
        if matches(tag, asked.decode("latin-1")):
            await self._send(send, 304, b"", headers)
        else:
            await self._send(send, 200, shown.body, headers)

    async def _send(self, send: Send, status: int, body: bytes, headers: Headers) -> None:
        self._stats.polls[status] += 1
        if body:
            headers += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _may_read(self, scope: dict[str, Any], task: str) -> tuple[bool, Headers]:
        key = hashlib.sha256(_header(scope, b"cookie") + b"\n" + _header(scope, b"authorization")).digest(), task
        now_s = time.monotonic()
        known = self._permissions.get(key)
        if known is not None and known.until_s > now_s:
            return bool(known.user), []
        query = f"channel={task_channel(task)}".encode()
        verdict = await self._authorizer.authorize({**scope, "query_string": query})
        if verdict.status >= SERVER_ERROR:
            raise BackendUnavailable(f"Django answered {verdict.status} when it was asked who may read.")
        if len(self._permissions) >= MOST_REMEMBERED:
            self._permissions.clear()
        user = verdict.grant.user if verdict.grant is not None else ""
        self._permissions[key] = _Permission(user, now_s + self._remembered_s)
        return bool(user), verdict.cookies

    async def _shown(self, task: str) -> _Shown | None:
        """What is shown of a task now; for a moment the same for all who ask."""
        now_s = time.monotonic()
        recent = self._recent.get(task)
        if recent is not None and recent.until_s > now_s:
            return recent
        entry = await self._hub.read(task)
        snapshot, body = (snapshot_in(entry), entry.data) if entry else (None, None)
        if snapshot is None or not snapshot.is_fresh(time.time()):
            known = newer(snapshot, await self._records(task))
            snapshot, body = known, None if known is None else known.to_json()
        if snapshot is None or body is None:
            return None
        if len(self._recent) >= MOST_RECENT:
            self._recent.clear()
        way = await hosted.via_soon()
        shown = _Shown(snapshot, etag(snapshot, way), hosted.told_in(body, way), now_s + RECENT_S)
        self._recent[task] = shown
        return shown


def _header(scope: dict[str, Any], wanted: bytes) -> bytes:
    return next((value for name, value in scope["headers"] if name == wanted), b"")
