"""A feed that a test holds, cuts or makes deaf, and what a viewer's stream would write."""

import asyncio
from collections.abc import Sequence
from typing import Any

from progress_app.backends.base import Entry, Sink
from progress_app.backends.memory import MemoryBackend, MemoryFeed
from progress_app.channels import log_channel, parse, task_channel
from progress_app.events import Snapshot
from progress_app.exceptions import BackendUnavailable
from progress_app.hub import Hub
from progress_app.subscriber import Subscriber
from tests.progress_app.doubles import OTHER_TASK, TASK, Clock, Told, snapshot, told

STATE, LOG = task_channel(TASK), log_channel(TASK)
OTHER_STATE = task_channel(OTHER_TASK)
NEWS = "user-7"
KEPT = 1_000
NEVER_S = 3_600.0


class Hold:
    """Stops whoever passes while it is closed."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self.waiting = 0

    def close(self) -> None:
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    async def passing(self) -> None:
        self.waiting += 1
        await self._open.wait()
        self.waiting -= 1


class Feed(MemoryFeed):
    """A memory feed whose reads can be held, before and after they are made, or fail, and which can go deaf."""

    def __init__(self, backend: MemoryBackend) -> None:
        super().__init__(backend)
        self.before, self.after = Hold(), Hold()
        self.away = False
        self.deaf = False
        self.faults: list[Exception] = []
        self.reads: list[tuple[str, ...]] = []
        self.closed = False

    @property
    def followed(self) -> set[str]:
        return self._followed

    async def run(self, sink: Sink) -> None:
        if self.faults:
            raise self.faults.pop()
        await super().run(sink)

    def announce(self, entry: Entry) -> None:
        if not self.deaf:
            super().announce(entry)

    async def read_states(self, channels: Sequence[str]) -> dict[str, Entry]:
        self.reads.append(tuple(channels))
        await self.before.passing()
        if self.away:
            raise BackendUnavailable("Redis is away.")
        found = await super().read_states(channels)
        await self.after.passing()
        return found

    async def replay(self, channel: str, after: int | None, limit: int) -> list[Entry]:
        await self.before.passing()
        if self.away:
            raise BackendUnavailable("Redis is away.")
        found = await super().replay(channel, after, limit)
        await self.after.passing()
        return found

    async def close(self) -> None:
        self.closed = True
        await super().close()


class Records:
    """The project's own record, and how often it was asked."""

    def __init__(self) -> None:
        self.known: dict[str, Snapshot] = {}
        self.asked: list[str] = []

    async def __call__(self, task: str) -> Snapshot | None:
        self.asked.append(task)
        return self.known.get(task)


async def opened(hub: Hub, *names: str, **seen: int) -> Subscriber:
    """A viewer of these channels; `state`, `log` and `news` are positions brought back."""
    brought = {{"state": STATE, "log": LOG, "news": NEWS}[name]: pos for name, pos in seen.items()}
    return await hub.open([parse(name) for name in names], brought)


async def settled() -> None:
    """Let everything run that can run."""
    for _ in range(20):
        await asyncio.sleep(0)


async def written(hub: Hub, viewer: Subscriber) -> list[Told]:
    """What the viewer's stream would write by now, its log caught up."""
    await settled()
    chunk = viewer.take()
    while viewer.behind:
        await hub.catch_up(viewer)
        chunk += viewer.take()
    return told(chunk)


def texts(events: list[Told]) -> list[str]:
    return [event.data["text"] for event in events if event.event == "log"]


def messages(events: list[Told]) -> list[str]:
    return [event.data["message"] for event in events if event.event in ("progress", "complete")]


def now(clock: Clock, **changes: Any) -> Snapshot:
    """A snapshot with a fresh pulse."""
    return snapshot(ts=clock.now, **changes)


async def is_awake(viewer: Subscriber) -> bool:
    """Whether the stream would look now; it has looked then."""
    waiting = asyncio.ensure_future(viewer.wait())
    await settled()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    return not waiting.cancelled()


def tasks(number: int) -> list[str]:
    return [f"{n:08x}{TASK[8:]}" for n in range(number)]
