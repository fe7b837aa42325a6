"""What a job wrote: bounded in rate and in size, with a count of what was left out. Safe between threads."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from progress_app.events import Level, LogEntry

MOST_A_SECOND: Final = 50  # nobody reads faster, and Redis and the browser would pay
BURST: Final = 200
MOST_WAITING: Final = 1_000  # while Redis is away
MOST_KEPT: Final = 1_000  # with the task for good
LONGEST_TEXT: Final = 2_000
_NOT_KEPT: Final = " earlier log entries are not kept."


class Logbook:
    """The log of one attempt.

    Args:
        task: the task's UUID.
        clock: Unix time in seconds.

    """

    def __init__(self, task: str, clock: Callable[[], float]) -> None:
        self._task = task
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: deque[LogEntry] = deque()
        self._kept: deque[LogEntry] = deque(maxlen=MOST_KEPT)
        self._written = 0
        self._allowance = float(BURST)
        self._filled_at = clock()
        self._unkept = 0  # beyond the rate, ever
        self._unsent = 0  # beyond the rate or lost on the way, and not told yet
        self._told = 0  # the count that the last entry taken tells of

    def write(self, text: str, level: Level) -> None:
        """Add a line; beyond the rate it is only counted. Longer texts are cut, with an ellipsis."""
        now = self._clock()
        with self._lock:
            self._allowance = min(BURST, self._allowance + max(0.0, now - self._filled_at) * MOST_A_SECOND)
            self._filled_at = now
            if self._allowance < 1:
                self._unkept += 1
                self._unsent += 1
                return
            self._allowance -= 1
            self._add(LogEntry(task=self._task, level=level, text=printable(text, LONGEST_TEXT), ts=now))

    def lost(self, count: int) -> None:
        """Count entries that were taken and that the backend refused."""
        with self._lock:
            if count and self._told:
                count += self._told - 1
            self._unsent += count
            self._told = 0

    def take(self) -> list[LogEntry]:
        """The entries to send now, the count of those left out as one of them."""
        with self._lock:
            if not self.has_news:
                self._told = 0
                return []
            taken, self._waiting = list(self._waiting), deque()
            if self._unsent:
                taken.append(self._notice(self._unsent))
            self._told, self._unsent = self._unsent, 0
            return taken

    def _notice(self, count: int) -> LogEntry:
        text = f"{count} log entries were left out: too many, or Redis was away."
        return LogEntry(task=self._task, level=Level.WARNING, text=text, ts=self._clock())

    def give_back(self, entries: Sequence[LogEntry]) -> None:
        """What was taken last and could not be sent waits for the next time, the newest if there are too many."""
        with self._lock:
            own = entries[:-1] if self._told else entries  # the count is told anew
            waiting = [*own, *self._waiting]
            self._unsent += max(0, len(waiting) - MOST_WAITING) + self._told
            self._told = 0
            self._waiting = deque(waiting[-MOST_WAITING:])

    def _add(self, entry: LogEntry) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
            self._unsent += 1
        self._waiting.append(entry)
        self._kept.append(entry)
        self._written += 1

    @property
    def has_news(self) -> bool:
        """Whether something waits to be sent."""
        return bool(self._waiting or self._unsent)

    def kept(self) -> list[LogEntry]:
        """The newest entries of the attempt, at most MOST_KEPT, for keeping with the task.

        The first one counts those before it, the last one those that were left out beyond the rate.
        """
        with self._lock:
            entries = list(self._kept)[-MOST_KEPT + bool(self._unkept) :]
            if forgotten := self._written - len(entries):
                entries[0] = _not_kept(forgotten + 1, entries[0])
            return [*entries, self._notice(self._unkept)] if self._unkept else entries


def newest(entries: Sequence[LogEntry]) -> list[LogEntry]:
    """The newest of the entries of one or more attempts, at most MOST_KEPT; the first one counts those before it."""
    if len(entries) <= MOST_KEPT:
        return list(entries)
    cut, kept = entries[: 1 - MOST_KEPT], entries[1 - MOST_KEPT :]
    return [_not_kept(sum(map(_counted, cut)), cut[-1]), *kept]


def _not_kept(count: int, last: LogEntry) -> LogEntry:
    """What stands for so many entries, the last of them included."""
    return LogEntry(task=last.task, level=Level.INFO, text=f"{count}{_NOT_KEPT}", ts=last.ts)


def _counted(entry: LogEntry) -> int:
    """How many entries one stands for."""
    count = entry.text.removesuffix(_NOT_KEPT)
    return int(count) if count != entry.text and count.isdecimal() else 1


def printable(text: object, most: int) -> str:
    """Text that JSON and databases can carry: cut to a length, lone surrogates replaced, without NUL."""
    whole = str(text).replace("\0", "")
    cut = whole if len(whole) <= most else whole[: most - 1] + "…"
    return cut.encode("utf-8", "replace").decode("utf-8")
