"""What Celery's signals are told on to."""

from collections.abc import Mapping
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
from django.db import connections

from progress_app import recorder
from tasks_app import presence, tracking

recorder.hear_of_ends()


@after_task_publish.connect(dispatch_uid="headway.sent")
def note_sent(sender: str, headers: Mapping[str, Any], body: Any, **_: Any) -> None:
    """Give a tracked task its row."""
    tracking.sent(sender, headers, body)


@task_prerun.connect(dispatch_uid="headway.connections")
def drop_dead_connections(**_: Any) -> None:
    """Do not begin a task on a connection that died since the last one: its claim would fail, and its message be lost.

    The workers keep their connections from task to task (CELERY_DB_REUSE_MAX), so nobody else looks.
    """
    for connection in connections.all(initialized_only=True):
        if connection.errors_occurred and not connection.in_atomic_block:
            connection.close()
        connection.health_check_done = False  # type: ignore[attr-defined]  # the types forgot it
        connection.close_if_health_check_failed()


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
