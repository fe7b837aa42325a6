"""Tells viewers and workers by Redis what the database says already."""

import logging
import time
from uuid import UUID

from progress_app import connections
from progress_app.channels import log_channel
from progress_app.events import LogEntry, State
from progress_app.exceptions import BackendUnavailable, PositionUnknown
from tasks_app import notices
from tasks_app.family import member_of
from tasks_app.models import Task
from tasks_app.permissions import audience
from tasks_app.record import snapshot_of

logger = logging.getLogger(__name__)


def announce_end(task: Task) -> bool:
    """Send the end that the row tells of to all viewers, after the lines of its log that they have not been sent.

    False: Redis is away, it is sent again later.
    """
    told = notices.tell(task, State(task.state))
    try:
        lines = _untold(task)
        connections.backend().publish(snapshot_of(task), lines, member=member_of(task), audience=audience(task))
    except BackendUnavailable as error:
        logger.warning("The end of task %s is sent later: %s", task.pk, error)
        told = False
    if not told:
        Task.objects.filter(pk=task.pk).update(end_sent=False)
    return told


def _untold(task: Task) -> list[LogEntry]:
    """What the row has of the log and its channel has not: Redis was away at the end, or has lost its data."""
    kept, channel = task.log_entries(), log_channel(task.pk)
    newest = connections.backend().position(channel) if kept else 0
    if not newest:
        return kept
    try:
        (last,) = connections.backend().replay(channel, newest - 1, 1)
        told_at = LogEntry.from_json(last.data).ts
    except (ValueError, PositionUnknown):  # somebody else has written there too: nothing is told twice
        return []
    return [entry for entry in kept if entry.ts > told_at]


def tell_worker(task_id: UUID) -> None:
    """Set the flag that the job's next send finds; the lease renewal finds the row if Redis is away."""
    try:
        connections.backend().request_cancel(str(task_id), time.time())
    except BackendUnavailable as error:
        logger.warning("The cancel of task %s is told with its next lease renewal: %s", task_id, error)
