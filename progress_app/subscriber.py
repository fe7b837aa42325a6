"""One open stream's mailbox: bounded, and never in the way of the hub.

1. A state channel keeps only its newest frame, so a slow viewer skips what is outdated.
2. A log channel may not skip. Its entries are queued up to a bound; beyond it the mailbox only remembers that it is
   *behind*, and the stream reads the rest from storage, which is the real buffer. A memory bound without a loss.
3. A final position tells the server, when the viewer comes back, that nothing is left to say. So while the mailbox is
   behind, an end is written at once but without its position, and once more with it when the log is complete.
4. Most writes need not wait for anything. While the stream sleeps they are made right here, in the hub's own step:
   waking a coroutine for each viewer costs more than the write itself.
5. Rows that a slow viewer could not take are kept as the newest of each task.
6. `positions` is what the viewer must bring back after a reconnect: of log channels, as far as they were taken, and
   of finished tasks.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from progress_app.rows import rows_frame
from progress_app.sse import Frame, frame

QUEUED_LOG_ENTRIES: Final = 256  # of about 200 bytes: some 50 KB for a viewer that does not read
_NO_LOG: Final = deque[tuple[str, int, Frame]](maxlen=0)  # an empty one takes 760 bytes, and logs are mostly silent
_NOTHING: Final = frozenset[str]()
MANY: Final = 10  # watched tasks up to here are written as they come, more at a tick


class Subscriber:
    """The mailbox of a viewer of some channels. All on one event loop.

    Args:
        states: the state channels watched.
        cursors: the log channels watched, each with the position already seen (None: nothing, begin with the oldest).
        schedule: called with the mailbox when something waits for the next tick.

    """

    __slots__ = (
        "_awake", "_cursors", "_dirty", "_ends", "_few", "_log", "_rows", "_schedule", "_states", "_waiter", "_write",
        "behind", "conflated", "ended", "events", "positions",
    )  # fmt: skip

    def __init__(
        self,
        states: Iterable[str],
        cursors: Mapping[str, int | None],
        schedule: Callable[["Subscriber"], None],
    ) -> None:
        self._states = tuple(set(states))
        self._few = len(self._states) <= MANY
        self._cursors = dict(cursors)
        self._schedule = schedule
        self._dirty: dict[str, tuple[Frame, int, bool]] = {}
        self._ends: dict[str, tuple[Frame, int]] = {}
        self._rows: dict[str, dict[bytes, bytes]] = {}
        self._log = _NO_LOG
        self._waiter: asyncio.Future[None] | None = None
        self._awake = True
        self._write: Callable[[bytes], None] | None = None
        self.behind = frozenset(cursors) or _NOTHING
        self.positions: dict[str, int] = {name: seen for name, seen in cursors.items() if seen is not None}
        self.conflated = self.events = 0  # that were replaced, and that were given to be written
        self.ended: str | None = None

    @property
    def channels(self) -> frozenset[str]:
        """All channels watched."""
        return frozenset((*self._states, *self._cursors))

    @property
    def has_news(self) -> bool:
        """Whether something waits to be taken."""
        return bool(self._dirty or self._log or self._rows or self._ends)

    def write_by(self, write: Callable[[bytes], None]) -> None:
        """Have `write` called with what can be written at once, while nobody but `wait` is at work for the stream."""
        self._write = write

    def cursor(self, channel: str) -> int | None:
        """The newest position of a log channel that was queued; None: none yet."""
        return self._cursors[channel]

    def offer_state(self, channel: str, pos: int, event: Frame, *, final: bool) -> None:
        """Replace what waits for this channel; a final one, or one of few, is written at once."""
        if self._few and not final and self._waiter is not None and self._write is not None:
            self.events += 1
            self._write(event.plain)
            return
        if channel in self._dirty:
            self.conflated += 1
        self._dirty[channel] = (event, pos, final)
        if final or self._few:
            self.wake()
        else:
            self._schedule(self)

    def tick(self) -> None:
        """Write all that was scheduled."""
        if self._waiter is not None and self._write is not None and not self._ends:
            if chunk := self.take():
                self._write(chunk)
        else:
            self.wake()

    def offer_rows(self, channel: str, rows: Mapping[bytes, bytes], event: Frame) -> None:
        """Write the joined rows of a channel, which `event` carries; what cannot be written now waits by task."""
        if self._waiter is not None and self._write is not None and not self._rows:
            self.events += 1
            self._write(event.plain)
            return
        self.conflated += len(self._rows.setdefault(channel, {}).keys() & rows.keys())
        self._rows[channel].update(rows)
        self.wake()

    def offer_entry(self, channel: str, pos: int, event: Frame) -> None:
        """Queue the next entry of a log channel; one that does not follow the last, or no room: fall behind."""
        cursor = self._cursors[channel]
        if channel in self.behind or (cursor is not None and pos <= cursor):
            return
        if cursor is None or pos != cursor + 1 or len(self._log) >= QUEUED_LOG_ENTRIES:
            self.behind |= {channel}
        else:
            self._push(channel, pos, event)
        self.wake()

    def catch_up(self, channel: str, entries: Iterable[tuple[int, Frame]], newest: int) -> None:
        """Queue entries read from storage; no longer behind once the newest known position is reached."""
        for pos, event in entries:
            self._push(channel, pos, event)
        if (self._cursors[channel] or 0) >= newest:
            self._has_caught_up(channel)

    def reset(self, channel: str, event: Frame) -> None:
        """Tell the viewer that positions of a log channel could not be continued, and begin with the oldest kept."""
        self._cursors[channel] = None
        self.positions[channel] = 0  # who comes back with it begins again, knowingly
        self._log = deque(item for item in self._log if item[0] != channel)
        self._log.append(("", 0, event))
        self.behind |= {channel}

    def start_at(self, channel: str, pos: int) -> None:
        """Begin a log channel after a position without replaying what came before."""
        self._cursors[channel] = self.positions[channel] = pos
        self._has_caught_up(channel)

    def fall_behind(self, channel: str) -> None:
        """Have the stream compare a log channel with storage."""
        self.behind |= {channel}
        self.wake()

    def _has_caught_up(self, channel: str) -> None:
        self.behind = (self.behind - {channel}) or _NOTHING

    def _push(self, channel: str, pos: int, event: Frame) -> None:
        if self._log is _NO_LOG:
            self._log = deque()
        self._log.append((channel, pos, event))
        self._cursors[channel] = pos

    def take(self) -> bytes:
        """All that waits, as bytes, log entries first; empty when nothing does."""
        if not self._dirty and not self._log and not self._rows and (self.behind or not self._ends):
            return b""
        parts: list[bytes] = []
        while self._log:
            channel, pos, event = self._log.popleft()
            if channel:
                self.positions[channel] = pos
            parts.append(event.with_id(self.positions) if self.positions else event.plain)
        self._log = _NO_LOG
        for channel, (event, pos, final) in self._dirty.items():
            if final:
                self._ends[channel] = (event, pos)
            if not final or self.behind:
                parts.append(event.plain)
        self._dirty.clear()
        parts += [rows_frame(rows.values()).plain for rows in self._rows.values()]
        self._rows.clear()
        if not self.behind:
            parts += self._written_ends()
        self.events += len(parts)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _written_ends(self) -> list[bytes]:
        """The ends that may carry their position now."""
        ends, self._ends = self._ends, {}
        parts = []
        for channel, (event, pos) in ends.items():
            self.positions[channel] = pos
            parts.append(event.with_id(self.positions))
        return parts

    def end(self, cause: str) -> None:
        """Let the stream write what waits and close; `cause` is one word for the log."""
        if self.ended is None:
            self.ended = cause
        self.wake()

    def wake(self) -> None:
        """Let the stream look: it is time to write, to catch up or to end."""
        waiter, self._waiter = self._waiter, None
        if waiter is None or waiter.done():
            self._awake = True
        else:
            waiter.set_result(None)

    def wait(self) -> asyncio.Future[None]:
        """Sleep until woken, when this is awaited; it is done at once if that happened while nobody slept."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._awake:
            self._awake = False
            waiter.set_result(None)
        else:
            self._waiter = waiter
        return waiter


def reset_frame(channels: Iterable[str]) -> Frame:
    """The event that says that positions of these channels could not be continued."""
    return frame("stream-reset", msgspec.json.encode({"v": 1, "channels": list(channels)}))
