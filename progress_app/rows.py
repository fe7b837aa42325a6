"""Rows: a task in about 120 bytes, for lists of many, and the board that a process keeps of them. Pure.

1. A row is made once, by who publishes the snapshot, and travels as bytes: a hub reads no JSON. Its form is fixed
   (`{"task":"<uuid>",…,"pos":<position>}`), so that the task is found at its place.
2. A board joins what changed within a tick once for all viewers.
3. A board is bounded: it holds the newest `KEPT` unfinished tasks. An end is told, then forgotten.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from progress_app.events import FINAL, Snapshot
from progress_app.sse import Frame, frame

SHOWN_FIRST: Final = 500  # rows of a list that a viewer gets at once
KEPT: Final = 5_000  # rows of a board: some 600 KB
_encode: Final = msgspec.json.Encoder().encode
_TASK: Final = slice(9, 45)  # the UUID after `{"task":"`
_POSITION: Final = re.compile(rb'"pos":(\d+)\}$')
_ENDS: Final = tuple(f',"state":"{state}",'.encode() for state in FINAL)


def row_before_position(snapshot: Snapshot) -> bytes:
    """The row of a snapshot up to its position; the backend adds that and `}`."""
    told = {
        "task": snapshot.task,
        "state": snapshot.state,
        "percent": snapshot.percent,
        "stage": snapshot.stage.name if snapshot.stage else None,
    }
    return _encode(told)[:-1] + b',"pos":'


def row(snapshot: Snapshot) -> bytes:
    """The row of a snapshot, as JSON."""
    return b"%b%d}" % (row_before_position(snapshot), snapshot.pos)


def task_of(told: bytes) -> bytes:
    """The UUID of a row's task."""
    return told[_TASK]


def position_of(told: bytes) -> int:
    """The position in a row, 0 when it has none."""
    found = _POSITION.search(told)
    return int(found[1]) if found else 0


def is_end(told: bytes) -> bool:
    """Whether nothing more will come of the row's task."""
    return any(end in told[45:80] for end in _ENDS)


def rows_frame(rows: Iterable[bytes]) -> Frame:
    """The event that carries rows."""
    return frame("rows", b'{"v":1,"rows":[%b]}' % b",".join(rows))


class Board:
    """The rows of one channel in one process."""

    __slots__ = ("_changed", "_first", "_known")

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[int, bytes]] = {}
        self._changed: dict[bytes, bytes] = {}
        self._first: Frame | None = None

    @property
    def tasks(self) -> list[str]:
        """The tasks that have not ended, as far as is known."""
        return [task.decode() for task in self._known]

    def put(self, pos: int, told: bytes) -> bool:
        """Take a row; False when nothing is new in it. A row of the same position counts if it says something else."""
        task = task_of(told)
        known_pos, known = self._known.get(task, (-1, b""))
        ended = is_end(told)
        if told == known or (pos < known_pos and not ended):
            return False
        self._first = None
        self._changed[task] = told
        if ended:
            self._known.pop(task, None)
        else:
            self._known[task] = (pos, told)
            if len(self._known) > KEPT:
                del self._known[next(iter(self._known))]
        return True

    def take(self) -> Mapping[bytes, bytes]:
        """What changed since the last time, by task."""
        changed, self._changed = self._changed, {}
        return changed

    def first(self) -> Frame:
        """What a new viewer gets: the newest unfinished tasks, made once until one of them changes."""
        if self._first is None:
            newest = list(self._known.values())[-SHOWN_FIRST:]
            self._first = rows_frame(told for _, told in newest)
        return self._first
