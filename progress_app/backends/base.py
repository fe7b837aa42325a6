"""The contract of a backend: a synchronous writer for workers, an asynchronous feed for servers.

Every publish is fenced: the backend refuses a snapshot of an older attempt, and any snapshot after a task's final
one. Positions order the events of a channel and rise by one; a new channel starts at `unix_seconds << 20`, so that a
position made after a loss of data is higher than any made before (2^20 events a second would be needed to catch up).
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from progress_app.events import Children, LogEntry, Snapshot
from progress_app.exceptions import PositionUnknown
from progress_app.rollup import Member, Rollup

EPOCH_SHIFT: Final = 20
ROLL_UP_EVERY_MS: Final = 200  # between two snapshots of a parent, however many children report

logger = logging.getLogger(__name__)


def first_position(unix_s: float) -> int:
    """Where a channel that has no events starts."""
    return int(unix_s) << EPOCH_SHIFT


class Verdict(StrEnum):
    """What a backend thinks of the attempt that published."""

    ACCEPTED = "accepted"
    SUPERSEDED = "superseded"  # a newer attempt has published
    ENDED = "ended"  # the final snapshot of this attempt is already there


@dataclass(frozen=True, slots=True)
class Answer:
    """The backend's answer to a publish.

    `pos` is the position given (or the newest one when refused); `cancel_requested_at` is the Unix time in seconds
    of a cancel request, None without one; `log_lost` counts entries that were refused while the snapshot was taken;
    `log_pos` is the position of the newest log entry taken with it, 0 when there was none.
    """

    verdict: Verdict
    pos: int
    cancel_requested_at: float | None = None
    log_lost: int = 0
    log_pos: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a channel: its position, its name in the stream, and its data as UTF-8 JSON."""

    channel: str
    pos: int
    event: str
    data: bytes


def snapshot_in(entry: Entry) -> Snapshot | None:
    """The snapshot that is kept of a task; None, with a word in the log, when it cannot be read."""
    try:
        return Snapshot.from_json(entry.data)
    except ValueError as error:
        # The error's text would quote what is kept.
        logger.warning(
            "What is kept of %s cannot be read and counts for nothing (%s).", entry.channel, type(error).__name__
        )
        return None


class Backend(Protocol):
    """What workers and views use. Safe to share between threads.

    Every method raises BackendUnavailable when the store is away, full, read-only or slow (2 s).
    """

    def publish(
        self, snapshot: Snapshot, log: Sequence[LogEntry] = (), member: Member | None = None, *,
        audience: Collection[str] = (),
    ) -> Answer:  # fmt: skip
        """Store and announce the snapshot, the log entries before it and the task's row, in one step.

        The snapshot's own `pos` is ignored. A final one is kept for `keep_final_s`, others for `keep_running_s`.
        Entries that are sent again, because no answer came, are kept once.
        That of a child (`member`) is added to its parent's bar, which is announced a few times a second at most.
        `audience` names who sees the row beside staff: `user-<id>`, `group-<id>`; a child has no row.
        """

    def roll_up(self, rollup: Rollup, words: Sequence[int] = ()) -> None:
        """Begin to roll children up into their parent's bar, or begin again, and announce it.

        `words` are those of the children by their number; what is known already and newer stays. Nothing happens
        where a newer attempt of the parent is known.
        """

    def rolled_up(self, parent: str) -> Children | None:
        """What a family has come to, None when it is not known here; news that waited is announced."""

    def end_roll_up(self, parent: str) -> None:
        """Forget a family's words `keep_final_s` from now: its parent goes on by itself."""

    def append(self, channel: str, event: str, data: bytes, once: str = "") -> int:
        """Store and announce one event of a log channel; returns its position.

        With a mark in `once` it is appended once only, however often it is tried within `keep_running_s`; then 0.
        """

    def announce(self, channel: str, event: str, data: bytes) -> None:
        """Tell who listens to the channel now; nothing is stored."""

    def announce_row(self, snapshot: Snapshot, *, audience: Collection[str] = ()) -> None:
        """Tell lists of a task that nobody has published yet; nothing is stored. Nothing happens if somebody has."""

    def request_cancel(self, task: str, at: float) -> None:
        """Let the next publish of the task know that it was cancelled at this Unix time (s); the first call wins."""

    def read_snapshot(self, task: str) -> Snapshot | None:
        """The newest snapshot of a task, None if there is none."""

    def read_snapshots(self, tasks: Sequence[str]) -> dict[str, Snapshot]:
        """The newest snapshots of many tasks, of those that have one."""

    def unfinished(self, tasks: Sequence[str]) -> list[str]:
        """Those of the tasks that have a snapshot which is not final."""

    def replay(self, channel: str, after: int | None, limit: int) -> list[Entry]:
        """The events of a log channel after a position, oldest first; None: from the oldest kept.

        Raises:
            PositionUnknown: events after that position are no longer kept, or the position was never reached.

        """

    def position(self, channel: str) -> int:
        """The newest position of a log channel, 0 when it has none."""


class Sink(Protocol):
    """Who listens to a feed; called on the event loop, must not block."""

    def deliver(self, entry: Entry) -> None:
        """Take an event of a followed channel."""

    def interrupted(self, cause: str) -> None:
        """Events may have been missed from here on; `cause` is one word: `closed`, `silent` or `away`."""

    def resumed(self, channels: Collection[str]) -> None:
        """These channels are followed (again): whatever happened before must be read from storage."""


class Feed(Protocol):
    """What a server process listens to. All on one event loop."""

    async def run(self, sink: Sink) -> None:
        """Deliver to the sink until cancelled; connects again for ever."""

    def follow(self, channel: str) -> None:
        """Begin to deliver a channel; `Sink.resumed` tells when it is so."""

    def unfollow(self, channel: str) -> None:
        """Stop delivering a channel."""

    async def read_states(self, channels: Sequence[str]) -> dict[str, Entry]:
        """The newest event of each state channel; one without, or with something unreadable, is left out."""

    async def replay(self, channel: str, after: int | None, limit: int) -> list[Entry]:
        """As `Backend.replay`."""

    async def positions(self, channels: Sequence[str]) -> dict[str, int]:
        """The newest position of each log channel, 0 where there is none."""

    async def close(self) -> None:
        """Give back what it holds."""


def check_replay(channel: str, after: int | None, oldest: int, newest: int) -> None:
    """Raise PositionUnknown unless the events after `after` are all kept; shared by the backends.

    `oldest` and `newest` are the positions kept, both 0 when there are none. After 0 ("I have seen nothing") all are
    kept only if the oldest one is the first of its channel.
    """
    if after is None:
        return
    began_here = after == 0 and oldest % (1 << EPOCH_SHIFT) == 0
    if after > newest or (after + 1 < oldest and not began_here):
        raise PositionUnknown(channel, after, newest)
