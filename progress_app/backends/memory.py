"""The in-memory twin of the Redis backend, for tests and for processes that need no other.

It keeps the same contract under the same tests. Writers may be threads; the sinks run on their own event loops.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

from progress_app.backends.base import (
    ROLL_UP_EVERY_MS,
    Answer,
    Entry,
    Sink,
    Verdict,
    check_replay,
    first_position,
)
from progress_app.channels import ROWS, audience_channel, log_channel, parse, task_channel
from progress_app.events import Children, LogEntry, Snapshot
from progress_app.rollup import Member, Rollup, Sums, tells, word
from progress_app.rows import row


@dataclass(slots=True)
class _Task:
    pos: int = 0
    attempt: int = 0
    snapshot: Snapshot | None = None
    cancel_requested_at: float | None = None


@dataclass(slots=True)
class _Family:
    rollup: Rollup
    words: list[int]
    sums: Sums
    sent_s: float = 0.0
    news: bool = True


class MemoryBackend:
    """As `Backend`, in this process.

    Args:
        log_entries: how many of the newest entries a log channel keeps.
        clock: the Unix time in seconds, for positions.

    """

    def __init__(self, *, log_entries: int = 1_000, clock: Callable[[], float] = time.time) -> None:
        self._log_entries = log_entries
        self._clock = clock
        self._lock = threading.Lock()
        self._tasks: dict[str, _Task] = {}
        self._logs: dict[str, deque[Entry]] = {}
        self._marks: set[tuple[str, str]] = set()
        self._families: dict[str, _Family] = {}
        self._feeds: list[MemoryFeed] = []

    def publish(
        self, snapshot: Snapshot, log: Sequence[LogEntry] = (), member: Member | None = None, *,
        audience: Collection[str] = (),
    ) -> Answer:  # fmt: skip
        """As `Backend.publish`."""
        with self._lock:
            if member is not None and tells(snapshot):
                self._add(member.parent, {member.number: word(snapshot.attempt, snapshot.state, snapshot.percent)})
            task = self._tasks.setdefault(snapshot.task, _Task())
            if refusal := self._refusal(task, snapshot):
                return Answer(refusal, task.pos, task.cancel_requested_at)
            log_pos = self._log(log_channel(snapshot.task), [entry.to_json() for entry in log]) if log else 0
            self._store(task, snapshot, None if member else audience)
            return Answer(Verdict.ACCEPTED, task.pos, task.cancel_requested_at, log_pos=log_pos)

    def _log(self, channel: str, told: Sequence[bytes]) -> int:
        """Append what is not there already; a count of lines may be the newest, which is made anew each time."""
        newest = {entry.data for entry in list(self._logs.get(channel, ()))[-2:]}
        known = max((place for place, data in enumerate(told, 1) if data in newest), default=0)
        for data in told[known:]:
            self._append(channel, "log", data)
        return self._logs[channel][-1].pos

    def _store(self, task: _Task, snapshot: Snapshot, audience: Collection[str] | None) -> None:
        """Keep and announce a snapshot; `audience` None: it has no row."""
        task.pos = task.pos + 1 if task.pos else first_position(self._clock())
        task.attempt = snapshot.attempt
        task.snapshot = stored = snapshot.at(task.pos)
        self._announce(Entry(task_channel(snapshot.task), task.pos, stored.event, stored.to_json()))
        if audience is not None:
            self._tell_lists(stored, audience)

    def _tell_lists(self, snapshot: Snapshot, audience: Collection[str]) -> None:
        for channel in (ROWS, *map(audience_channel, audience)):
            self._announce(Entry(channel, snapshot.pos, "row", row(snapshot)))

    def announce_row(self, snapshot: Snapshot, *, audience: Collection[str] = ()) -> None:
        """As `Backend.announce_row`."""
        with self._lock:
            if self.read_snapshot(snapshot.task) is None:
                self._tell_lists(snapshot, audience)

    def roll_up(self, rollup: Rollup, words: Sequence[int] = ()) -> None:
        """As `Backend.roll_up`."""
        parent, attempt = rollup.snapshot.task, rollup.snapshot.attempt
        with self._lock:
            known = self._families.get(parent)
            if known is None or attempt > known.rollup.snapshot.attempt:
                self._families[parent] = _Family(rollup, [0] * rollup.total, Sums())
            elif attempt == known.rollup.snapshot.attempt:
                known.rollup, known.news = rollup, True
            self._add(parent, dict(enumerate(words)), every_ms=0)

    def _add(self, parent: str, words: dict[int, int], *, every_ms: float = ROLL_UP_EVERY_MS) -> None:
        family = self._families.get(parent)
        if family is None or any(number >= family.rollup.total for number in words):
            return
        for number, now in words.items():
            if now > (was := family.words[number]):
                family.sums.change(was, now)
                family.words[number], family.news = now, True
        now_s = self._clock()
        if family.news and (now_s - family.sent_s) * 1_000 >= every_ms:
            family.sent_s, family.news = now_s, False
            task, shown = self._tasks.setdefault(parent, _Task()), family.rollup.at(family.sums, now_s)
            if self._refusal(task, shown) is None:
                self._store(task, shown, family.rollup.audience)

    def rolled_up(self, parent: str) -> Children | None:
        """As `Backend.rolled_up`."""
        with self._lock:
            self._add(parent, {}, every_ms=0)
            if (family := self._families.get(parent)) is None:
                return None
            return Children(total=family.rollup.total, done=family.sums.done, failed=family.sums.failed)

    def end_roll_up(self, parent: str) -> None:
        """As `Backend.end_roll_up`; it is forgotten at once."""
        with self._lock:
            self._families.pop(parent, None)

    @staticmethod
    def _refusal(task: _Task, snapshot: Snapshot) -> Verdict | None:
        if snapshot.attempt < task.attempt:
            return Verdict.SUPERSEDED
        if task.snapshot is not None and task.snapshot.is_final and snapshot.attempt == task.attempt:
            return Verdict.ENDED
        return None

    def append(self, channel: str, event: str, data: bytes, once: str = "") -> int:
        """As `Backend.append`."""
        with self._lock:
            if once and (channel, once) in self._marks:
                return 0
            self._marks.add((channel, once))
            return self._append(channel, event, data)

    def _append(self, channel: str, event: str, data: bytes) -> int:
        kept = self._logs.setdefault(channel, deque(maxlen=self._log_entries))
        pos = kept[-1].pos + 1 if kept else first_position(self._clock())
        kept.append(entry := Entry(channel, pos, event, data))
        self._announce(entry)
        return pos

    def _announce(self, entry: Entry) -> None:
        for feed in self._feeds:
            feed.announce(entry)

    def announce(self, channel: str, event: str, data: bytes) -> None:
        """As `Backend.announce`."""
        with self._lock:
            self._announce(Entry(channel, 0, event, data))

    def request_cancel(self, task: str, at: float) -> None:
        """As `Backend.request_cancel`."""
        with self._lock:
            kept = self._tasks.setdefault(task, _Task())
            if kept.cancel_requested_at is None:
                kept.cancel_requested_at = at

    def read_snapshot(self, task: str) -> Snapshot | None:
        """As `Backend.read_snapshot`."""
        kept = self._tasks.get(task)
        return kept.snapshot if kept else None

    def read_snapshots(self, tasks: Sequence[str]) -> dict[str, Snapshot]:
        """As `Backend.read_snapshots`."""
        found = {task: self.read_snapshot(task) for task in tasks}
        return {task: snapshot for task, snapshot in found.items() if snapshot is not None}

    def unfinished(self, tasks: Sequence[str]) -> list[str]:
        """As `Backend.unfinished`."""
        found = ((task, self.read_snapshot(task)) for task in tasks)
        return [task for task, snapshot in found if snapshot is not None and not snapshot.is_final]

    def replay(self, channel: str, after: int | None, limit: int) -> list[Entry]:
        """As `Backend.replay`."""
        with self._lock:
            kept = list(self._logs.get(channel, ()))
        check_replay(channel, after, kept[0].pos if kept else 0, kept[-1].pos if kept else 0)
        return [entry for entry in kept if after is None or entry.pos > after][:limit]

    def position(self, channel: str) -> int:
        """As `Backend.position`."""
        kept = self._logs.get(channel)
        return kept[-1].pos if kept else 0

    def clear(self) -> None:
        """Forget everything, as a Redis that lost its data."""
        with self._lock:
            self._tasks.clear()
            self._logs.clear()
            self._families.clear()

    def detach(self, feed: "MemoryFeed") -> None:
        """Forget a feed."""
        self._feeds.remove(feed)

    def feed(self) -> "MemoryFeed":
        """A feed of what is published here."""
        self._feeds.append(feed := MemoryFeed(self))
        return feed


class MemoryFeed:
    """As `Feed`, on a MemoryBackend."""

    def __init__(self, backend: MemoryBackend) -> None:
        self._backend = backend
        self._sink: Sink | None = None
        self._interrupted: Sink | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._followed: set[str] = set()

    def announce(self, entry: Entry) -> None:
        """Take an event from any thread."""
        if self._loop is not None and entry.channel in self._followed:
            with suppress(RuntimeError):  # the loop has closed: nobody listens any more
                self._loop.call_soon_threadsafe(self._deliver, entry)

    def _deliver(self, entry: Entry) -> None:
        if self._sink is not None:
            self._sink.deliver(entry)

    async def run(self, sink: Sink) -> None:
        """As `Feed.run`."""
        self._loop, self._sink = asyncio.get_running_loop(), sink
        sink.resumed(tuple(self._followed))
        try:
            await asyncio.Event().wait()
        finally:
            self._sink = None

    def interrupt(self) -> None:
        """Lose the connection: events are missed until `resume`."""
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.interrupted("closed")
            self._interrupted = sink

    def resume(self) -> None:
        """Have the connection back."""
        self._sink, self._interrupted = self._interrupted, None
        if self._sink is not None:
            self._sink.resumed(tuple(self._followed))

    def follow(self, channel: str) -> None:
        """As `Feed.follow`."""
        self._followed.add(channel)
        if self._sink is not None and self._loop is not None:
            self._loop.call_soon(self._sink.resumed, (channel,))

    def unfollow(self, channel: str) -> None:
        """As `Feed.unfollow`."""
        self._followed.discard(channel)

    async def read_states(self, channels: Sequence[str]) -> dict[str, Entry]:
        """As `Feed.read_states`."""
        found = {}
        for channel in channels:
            snapshot = self._backend.read_snapshot(parse(channel).subject)
            if snapshot is not None:
                found[channel] = Entry(channel, snapshot.pos, snapshot.event, snapshot.to_json())
        return found

    async def replay(self, channel: str, after: int | None, limit: int) -> list[Entry]:
        """As `Feed.replay`."""
        return self._backend.replay(channel, after, limit)

    async def positions(self, channels: Sequence[str]) -> dict[str, int]:
        """As `Feed.positions`."""
        return {channel: self._backend.position(channel) for channel in channels}

    async def close(self) -> None:
        """As `Feed.close`."""
        self._backend.detach(self)
