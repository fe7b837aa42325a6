"""A worker that is only pretended: the test itself tells what the job would, when it suits the test."""

from typing import Any

from django.utils import timezone

from progress_app import connections
from progress_app.events import Snapshot, State
from tasks_app.models import Task


def tell(task: Task, percent: float, state: State = State.RUNNING, **more: Any) -> None:
    """Report as the job would; `more` are fields of the snapshot."""
    snapshot = Snapshot(task=str(task.pk), job=task.job, state=state, attempt=1, percent=percent, **more)
    connections.backend().publish(snapshot)


def end(task: Task, state: State, **fields: Any) -> None:
    """Have the task end as its worker does: the row first, then the event; `fields` are the row's."""
    Task.objects.filter(pk=task.pk).update(state=state, finished_at=timezone.now(), **fields)
    tell(task, 100.0 if state is State.SUCCEEDED else 62.0, state)
