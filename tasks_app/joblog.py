"""What a task logged: from Redis while it is live there, and what was kept with the task."""

import logging
from collections.abc import Sequence
from math import inf
from typing import Any

from progress_app import connections
from progress_app.backends.base import Entry
from progress_app.channels import log_channel
from progress_app.events import LogEntry
from progress_app.exceptions import BackendUnavailable
from progress_app.logbook import MOST_KEPT, newest
from tasks_app.models import Task

logger = logging.getLogger(__name__)


def joblog(task: Task) -> tuple[list[LogEntry], int]:
    """The entries of all attempts, oldest first, and the position of the newest in the log channel.

    From there a stream goes on. The position is 0 when the channel is empty or Redis is away.
    """
    kept = task.log_entries()
    if task.is_final and kept:
        return kept, _position(task)
    try:
        entries = connections.backend().replay(log_channel(task.pk), None, MOST_KEPT)
    except BackendUnavailable as error:
        logger.warning("%s", error)
        return kept, 0
    live = [line for entry in entries if (line := line_of(entry))]
    began_at = live[0].ts if live else inf
    return [*(entry for entry in kept if entry.ts < began_at), *live], entries[-1].pos if entries else 0


def keepable(entries: Sequence[LogEntry]) -> list[dict[str, Any]]:
    """The newest of these as the task's row keeps them, with a count of the others."""
    return [{"level": str(entry.level), "text": entry.text, "ts": entry.ts} for entry in newest(entries)]


def kept_log(task: Task) -> list[dict[str, Any]]:
    """All that is known of a task's log, as its row keeps it: for who ends an attempt that cannot do it itself."""
    return keepable(joblog(task)[0])


def line_of(entry: Entry) -> LogEntry | None:
    """The line that an event of a log channel is; None for what the project's own code sent there in another form."""
    try:
        return LogEntry.from_json(entry.data) if entry.event == "log" else None
    except ValueError:
        return None


def _position(task: Task) -> int:
    try:
        return connections.backend().position(log_channel(task.pk))
    except BackendUnavailable:
        return 0
