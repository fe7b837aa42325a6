"""A task's row as a snapshot: what a viewer is shown when Redis has nothing, or less."""

import time
from datetime import datetime
from typing import Final
from uuid import UUID

from django.utils.translation import gettext_noop
from msgspec.structs import replace

from progress_app.backends.base import first_position
from progress_app.events import FULL_PERCENT, Fault, Snapshot, StageProgress, State
from progress_app.words import also
from tasks_app import registry
from tasks_app.family import rollup_of, sums
from tasks_app.line import place_of
from tasks_app.models import Task

WAITS_FOR_QUEUE: Final = gettext_noop("Waiting for the queue")
also([WAITS_FOR_QUEUE])


def recorded_snapshot(task_id: str) -> Snapshot | None:
    """The record of a task, None for an unknown or malformed id; the project's PROGRESS_RECORD."""
    try:
        pk = UUID(task_id)
    except ValueError:
        return None
    task = Task.objects.filter(pk=pk).first()
    return None if task is None else snapshot_of(task)


def snapshot_of(task: Task) -> Snapshot:
    """The snapshot that the row tells of."""
    noted = _with_children(task, noted_snapshot(task))
    state = State(task.state)
    error = Fault(code=task.error_code, text=task.error_text) if task.error_code else None
    shown = replace(
        noted,
        job=task.job,
        attempt=task.attempt,
        state=state,
        error=error,
        cancel_requested_at=_unix(task.cancel_requested_at),
        started_at=_unix(task.started_at),
        elapsed=None if task.duration_s is None else round(task.duration_s, 1),
        queue=place_of(task),
    )
    if task.finished_at is None:
        message = WAITS_FOR_QUEUE if task.is_waiting_for_queue else shown.message
        return replace(shown, message=message, stages=shown.stages or _to_come(task))
    percent = FULL_PERCENT if state is State.SUCCEEDED else shown.percent
    # One second past the end: above every position that the attempt can have been given.
    return replace(shown, pos=first_position(task.finished_at.timestamp() + 1), percent=percent, rate=None, eta=None)


def _to_come(task: Task) -> tuple[StageProgress, ...]:
    """The stages that its job names, before the task itself has told which ones it has."""
    job = registry.find(task.job)
    return tuple(StageProgress(name=name) for name in job.stages) if job else ()


def _with_children(task: Task, noted: Snapshot) -> Snapshot:
    """While a task waits for its children, and if it ended so, the database knows more than what was noted."""
    rollup = rollup_of(task)
    if rollup is None or noted.attempt > rollup.snapshot.attempt:
        return noted
    return rollup.at(sums(task.pk), time.time())


def noted_snapshot(task: Task) -> Snapshot:
    """The snapshot that the worker noted last; a bare one if there is none or its form is of another version."""
    try:
        return Snapshot.from_json(task.snapshot)
    except ValueError:
        ts = (task.started_at or task.created_at).timestamp()
        return Snapshot(task=str(task.pk), percent=task.percent, message=task.message, ts=ts)


def _unix(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
