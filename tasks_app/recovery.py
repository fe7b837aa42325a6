"""What becomes of a task whose worker is gone: it is run again if its job allows, else it has ended."""

import logging
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext_noop

from progress_app.events import Fault, Snapshot, State
from progress_app.words import also
from tasks_app import attempts, children, conf, registry
from tasks_app.announce import announce_end
from tasks_app.joblog import kept_log
from tasks_app.language import speaking
from tasks_app.limits import over_time
from tasks_app.models import Task
from tasks_app.record import noted_snapshot

VANISHED = Fault(
    code="worker_lost", text=gettext_noop("Its worker vanished while it ran, and it may not be run again.")
)
FORGOTTEN = Fault(
    code="message_lost", text=gettext_noop("Nobody ran it: its message was lost, or its queue has no worker.")
)
also([VANISHED.text, FORGOTTEN.text])

logger = logging.getLogger(__name__)


def recover(task: Task) -> State | None:
    """Put right a task whose lease ran out; gives the state it is in then, None: its worker was quicker."""
    noted = noted_snapshot(task)
    overtime = None if task.celery_id else _overtime(registry.find(task.job), noted, task)
    if task.state == State.CANCELLING:
        state = _end(task, State.CANCELLED, None)
    elif overtime:
        state = _end(task, State.FAILED, overtime)
    elif task.restarts and not task.celery_id and task.losses + 1 < conf.get().most_losses:
        state = _put_back(task, noted)
    else:
        state = _end(task, State.LOST, VANISHED)
    if state is not None:
        logger.warning("Task %s: the lease of attempt %d ran out on %s: %s.", task.pk, task.attempt, task.worker, state)
    return state


def give_up(task: Task) -> State | None:
    """End a tracked task that Celery has forgotten; None: it was begun just now. Should it run after all, it runs."""
    fault = {"error_code": FORGOTTEN.code, "error_text": FORGOTTEN.text}
    if not Task.objects.filter(pk=task.pk, attempt=task.attempt).lose_waiting(**fault):
        return None
    task.refresh_from_db()
    transaction.on_commit(lambda: announce_end(task))
    logger.warning("Task %s: Celery has not run %s: lost.", task.pk, task.celery_id)
    return State.LOST


def _overtime(job: registry.Job | None, noted: Snapshot, task: Task) -> Fault | None:
    """The fault of an attempt that was ended for its time, or would have been; None: it was not."""
    if noted.attempt != task.attempt or noted.started_at is None:
        return None
    with speaking(task.language):
        return over_time(job, noted.ts - noted.started_at)


def _put_back(task: Task, noted: Snapshot) -> State | None:
    past = attempts.with_attempt(task, attempts.LOST, snapshot=noted)
    noted_too = {"losses": task.losses + 1, "past_attempts": past, "log": kept_log(task)}
    moved = _row(task).hand_back(attempt=task.attempt, next_at=Now(), **noted_too)
    return State.QUEUED if moved else None


def _end(task: Task, state: State, error: Fault | None) -> State | None:
    moved = _row(task).finish(
        attempt=task.attempt,
        state=state,
        losses=task.losses + 1,
        error_code=error.code if error else "",
        error_text=error.text if error else "",
        log=kept_log(task),
    )
    if not moved:
        return None
    task.refresh_from_db()
    transaction.on_commit(lambda: announce_end(task))
    transaction.on_commit(lambda: children.ended(task, state))
    return state


def _row(task: Task) -> Any:
    """Still overdue: a worker that woke up and renewed its lease keeps its task."""
    return Task.objects.filter(pk=task.pk).overdue()
