"""Follows one task from its present state to its end, by looking: for a terminal, without the web server.

1. Redis may be away, or have lost its data: then the task's row is looked at, and the log goes on where it can.
2. Each look is two reads, so that a look a fifth of a second is no load.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from progress_app import connections
from progress_app.backends.base import Entry
from progress_app.channels import log_channel
from progress_app.events import LogEntry, Snapshot
from progress_app.exceptions import BackendUnavailable, PositionUnknown
from progress_app.present import present
from tasks_app.joblog import line_of
from tasks_app.models import Task

LOOK_EVERY_S: Final = 0.2
BATCH: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was seen: the present snapshot, the log entries since the last look, and whether some were missed."""

    snapshot: Snapshot
    lines: list[LogEntry] = field(default_factory=list)
    gap: bool = False


class Watch:
    """Looks at one task again and again.

    Args:
        task: its UUID.
        sleep: waits so many seconds.

    """

    def __init__(self, task: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._task = task
        self._sleep = sleep
        self._channel = log_channel(task)
        self._seen: int | None = None  # of the log; None: nothing yet
        self._known = 0  # entries told, whatever they came from

    def looks(self) -> Iterator[Look]:
        """What is seen of the task until it has ended, the end included; nothing when there is no such task."""
        while (snapshot := present(self._task)) is not None:
            lines, gap = self._new_lines()
            if snapshot.is_final:
                lines = lines or self._kept_lines()
            yield Look(snapshot=snapshot, lines=lines, gap=gap)
            if snapshot.is_final:
                return
            self._sleep(LOOK_EVERY_S)

    def _new_lines(self) -> tuple[list[LogEntry], bool]:
        entries, gap = [], False
        try:
            while batch := self._replayed():
                entries += batch
        except PositionUnknown:
            self._seen, gap = None, True  # what is kept now is all newer
            entries += self._replayed()
        except BackendUnavailable:
            pass  # the log goes on from here when Redis is back
        found = [shown for entry in entries if (shown := line_of(entry))]
        self._known += len(found)
        return found, gap

    def _replayed(self) -> list[Entry]:
        entries = connections.backend().replay(self._channel, self._seen, BATCH)
        self._seen = entries[-1].pos if entries else self._seen
        return entries

    def _kept_lines(self) -> list[LogEntry]:
        """The log as it was kept with a task that had ended before anybody looked, or while Redis was away."""
        if self._known:
            return []
        task = Task.objects.filter(pk=self._task).first()
        return task.log_entries() if task else []
