"""What a task logged: from Redis while it is live there, else as it was kept with the task."""

import logging

from progress_app import connections
from progress_app.backends.base import Entry
from progress_app.channels import log_channel
from progress_app.events import LogEntry
from progress_app.exceptions import BackendUnavailable
from tasks_app.models import Task

MOST_SHOWN = 1_000

logger = logging.getLogger(__name__)


def joblog(task: Task) -> tuple[list[LogEntry], int]:
    """The entries, oldest first, and the position of the newest in the log channel, for a stream to go on from.

    The position is 0 when the channel is empty or Redis is away.
    """
    if task.log:
        return task.log_entries(), _position(task)
    try:
        entries = connections.backend().replay(log_channel(task.pk), None, MOST_SHOWN)
    except BackendUnavailable as error:
        logger.warning("%s", error)
        return [], 0
    return [line for entry in entries if (line := line_of(entry))], entries[-1].pos if entries else 0


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
