"""What the tests of progress_app share: a clock that stands still, a host, a listener, and a reader of streams."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import IO, Any, TypeVar

from redis import Redis

from progress_app.backends.base import Entry, Feed
from progress_app.backends.redis import RedisBackend
from progress_app.checkpoint import Checkpoint
from progress_app.events import Level, LogEntry, Snapshot, State
from progress_app.host import Fan, Lease
from progress_app.outlook import Paces

TASK = "6f0c1d2e-3a4b-4c5d-8e6f-708192a3b4c5"
OTHER_TASK = "0a1b2c3d-4e5f-4061-8273-8495a6b7c8d9"
LOOK_EVERY_S = 0.002
WITHIN_S = 20.0
F = TypeVar("F", bound=Feed)
_times = count(1.5)


def snapshot(**changes: Any) -> Snapshot:
    """A running snapshot of the first attempt at TASK."""
    usual: dict[str, Any] = {"task": TASK, "job": "import_csv", "attempt": 1, "state": State.RUNNING}
    return Snapshot(**(usual | changes))


def entry(text: str = "a line", **changes: Any) -> LogEntry:
    """A log entry of TASK; each was written at a time of its own."""
    usual: dict[str, Any] = {"task": TASK, "level": Level.INFO, "text": text, "ts": next(_times)}
    return LogEntry(**(usual | changes))


def redis_backend(client: Redis, **changes: Any) -> RedisBackend:
    """A backend on this Redis, under the prefix `test`."""
    usual: dict[str, Any] = {"prefix": "test", "keep_running_s": 86_400, "keep_final_s": 3_600, "log_entries": 1_000}
    return RedisBackend(client, **(usual | changes))


class Clock:
    """A clock that only a test moves, in seconds."""

    def __init__(self, now: float = 1_790_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeHost:
    """A project whose answers a test sets."""

    lease: Lease = Lease.HELD
    renewed: list[Snapshot] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    runs: list[Paces] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    fans: list[Fan] = field(default_factory=list)

    def renew(self, snapshot: Snapshot) -> Lease:
        self.renewed.append(snapshot)
        return self.lease

    def attach(self, file: IO[bytes] | Path, name: str) -> None:
        self.files.append(name)

    def earlier(self) -> Sequence[Paces]:
        return self.runs

    def checkpoint(self, point: Checkpoint) -> None:
        self.checkpoints.append(point)

    def map(self, fan: Fan) -> Fan:
        self.fans.append(fan)
        return fan


@dataclass
class Listener:
    """A sink that writes down what it is told."""

    entries: list[Entry] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)
    resumptions: list[frozenset[str]] = field(default_factory=list)

    def deliver(self, entry: Entry) -> None:
        self.entries.append(entry)

    def interrupted(self, cause: str) -> None:
        self.causes.append(cause)

    @property
    def interruptions(self) -> int:
        return len(self.causes)

    def resumed(self, channels: Collection[str]) -> None:
        self.resumptions.append(frozenset(channels))

    def follows(self, channel: str) -> bool:
        return any(channel in resumed for resumed in self.resumptions)


@dataclass(frozen=True)
class Told:
    """One event as a client reads it."""

    event: str
    data: Any
    id: str | None


def told(chunk: bytes) -> list[Told]:
    """Read a stream as the standard says; comments and `retry` are left out."""
    found = []
    for block in chunk.decode().split("\n\n"):
        fields: dict[str, list[str]] = {}
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            fields.setdefault(name, []).append(value.removeprefix(" "))
        if "data" in fields:
            ids = fields.get("id", [None])
            found.append(Told(fields["event"][-1], json.loads("\n".join(fields["data"])), ids[-1]))
    return found


async def until(condition: Callable[[], object]) -> None:
    """Wait on the event loop until the condition holds."""
    async with asyncio.timeout(WITHIN_S):
        while not condition():
            await asyncio.sleep(LOOK_EVERY_S)


@asynccontextmanager
async def listening(feed: F, *channels: str) -> AsyncIterator[tuple[F, Listener]]:
    """The feed, running and following these channels, and what it tells."""
    listener = Listener()
    for channel in channels:
        feed.follow(channel)
    running = asyncio.create_task(feed.run(listener))
    try:
        await until(lambda: all(map(listener.follows, channels)))
        yield feed, listener
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await feed.close()
