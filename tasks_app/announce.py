"""Tells viewers and workers by Redis what the database says already."""

import logging
import time
from uuid import UUID

from progress_app import connections
from progress_app.events import State
from progress_app.exceptions import BackendUnavailable
from tasks_app import notices
from tasks_app.family import member_of
from tasks_app.models import Task
from tasks_app.permissions import audience
from tasks_app.record import snapshot_of

logger = logging.getLogger(__name__)


def announce_end(task: Task) -> bool:
    """Send the end that the row tells of to all viewers; False: Redis is away, it is sent again later."""
    told = notices.tell(task, State(task.state))
    try:
        connections.backend().publish(snapshot_of(task), member=member_of(task), audience=audience(task))
    except BackendUnavailable as error:
        logger.warning("The end of task %s is sent later: %s", task.pk, error)
        told = False
    if not told:
        Task.objects.filter(pk=task.pk).update(end_sent=False)
    return told


def tell_worker(task_id: UUID) -> None:
    """Set the flag that the job's next send finds; the lease renewal finds the row if Redis is away."""
    try:
        connections.backend().request_cancel(str(task_id), time.time())
    except BackendUnavailable as error:
        logger.warning("The cancel of task %s is told with its next lease renewal: %s", task_id, error)
