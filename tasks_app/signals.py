"""What Celery's signals are told on to."""

from collections.abc import Mapping
from select import POLLIN, poll
from typing import Any

from celery import states
from celery.signals import (
    after_task_publish,
    task_postrun,
    task_prerun,
    task_revoked,
    worker_ready,
    worker_shutdown,
)
from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from progress_app import recorder
from tasks_app import presence, tracking

recorder.hear_of_ends()


@after_task_publish.connect(dispatch_uid="headway.sent")
def note_sent(sender: str, headers: Mapping[str, Any], body: Any, **_: Any) -> None:
    """Give a tracked task its row."""
    tracking.sent(sender, headers, body)


@task_prerun.connect(dispatch_uid="headway.connections")
def drop_dead_connections(**_: Any) -> None:
    """Do not begin a task on a connection that died since the last one: it would fail for nothing.

    The workers keep their connections from task to task (CELERY_DB_REUSE_MAX), so nobody else looks; Django's own
    checks leave those of a pool alone, which looks at them when it gives them out.
    """
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block and (connection.errors_occurred or _has_news(connection)):
            connection.close()


def _has_news(connection: BaseDatabaseWrapper) -> bool:
    """Whether its server has said something unasked: one that goes, or is gone, closes it. A file says nothing.

    To ask it whether it lives would take as long as a write.
    """
    if connection.connection is None or not hasattr(connection.connection, "fileno"):
        return False
    looks = poll()
    try:
        with connection.wrap_database_errors:
            looks.register(connection.connection, POLLIN)
    except Error:  # it knows already that it is closed
        return True
    return bool(looks.poll(0))


@task_postrun.connect(dispatch_uid="headway.ended")
def note_end(task: Any, task_id: str, retval: Any, state: str | None, **_: Any) -> None:
    """Tell the end of a Celery task that reported: its recorder is not told that its function returned."""
    if state == states.SUCCESS:
        tracking.ended(task, task_id, None, retval)
    else:  # without a state, the worker stops
        tracking.ended(task, task_id, retval if isinstance(retval, BaseException) else SystemExit(), None)


@task_revoked.connect(dispatch_uid="headway.revoked")
def note_revoked(request: Any, **_: Any) -> None:
    """End the row of a tracked task that Celery will not run, or has ended by force."""
    tracking.revoked(request.id)


@worker_ready.connect(dispatch_uid="headway.presence")
def note_worker(sender: Any, **_: Any) -> None:
    """Let operations see the worker while it has nothing to do."""
    presence.begin(sender.hostname)


@worker_shutdown.connect(dispatch_uid="headway.presence")
def note_worker_gone(sender: Any, **_: Any) -> None:
    """Strike the worker off at once."""
    presence.end(sender.hostname)
