"""Tells live lists of a task that has just been queued, beside the request and beside the outbox.

It is told of once its row is committed, and only while it has not reported: what a worker says is newer. A Redis that
is away costs the lists this row until they are compared with the database, and nobody else anything.
"""

import logging

from progress_app import connections
from progress_app.events import Snapshot
from progress_app.exceptions import BackendUnavailable
from tasks_app.errands import Errands
from tasks_app.models import Task
from tasks_app.permissions import audience

logger = logging.getLogger(__name__)


class Newcomers(Errands):
    """The announcing thread of this process. Arguments as Errands."""

    name = "newcomers"
    if_not = "is in live lists later"

    def _do(self, task: Task) -> bool:
        try:
            connections.backend().announce_row(Snapshot(task=str(task.pk)), audience=audience(task))
        except BackendUnavailable as error:
            logger.warning("New tasks are in live lists later: %s", error)
            return False
        return True


_newcomers = Newcomers()
put = _newcomers.put
flush = _newcomers.flush
