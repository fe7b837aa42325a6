"""A task row for Celery tasks that the project's own code starts.

    @shared_task(bind=True)
    @track_celery(title="Nightly import")
    def import_rows(self):
        with Reporter.for_celery(self) as progress:
            ...

1. Who sends the message makes the row; where that did not work (the sender knows the task by its name only, or the
   database was away), the worker makes it.
2. Celery alone decides what runs, when and how often: each delivery is a new attempt, and nothing here is published
   again. A worker that vanishes leaves its row to maintenance, which ends it as `lost`; so does a message that
   vanished, after TASKS_TRACKED_WAIT_S. What Celery delivers later runs all the same.
3. A task whose row cannot be written still runs.
4. A cancel is raised at the task's next progress call, and reaches Celery as `Ignore`: it takes a BaseException for
   the end of its worker process.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, Final, TypeVar, cast
from uuid import UUID

from celery import current_app, current_task
from celery.exceptions import Ignore
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils.dateparse import parse_datetime

from progress_app import recorder
from progress_app.events import State
from progress_app.exceptions import AttemptSuperseded, TaskCancelled
from progress_app.words import also
from tasks_app import conf, newcomers
from tasks_app.lifecycle import announce_end
from tasks_app.models import Task
from tasks_app.tracked import TrackedReporter, tracked_reporter

OWNER_HEADER: Final = "headway_owner"  # of the message: the primary key of who owns the task
MARK: Final = "headway_tracking"
LONGEST_JOB: Final = 64
F = TypeVar("F", bound=Callable[..., Any])

logger = logging.getLogger(__name__)
_without_row: set[str] = set()  # the Celery ids of tracked tasks that run here


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """What `track_celery` was given."""

    title: str
    owner: Callable[..., Any] | None
    stages: Sequence[str]


def track_celery(
    title: str, *, owner: Callable[..., Any] | None = None, stages: Sequence[str] = ()
) -> Callable[[F], F]:
    """Give each run of a Celery task a row, a page and a place in the lists. Stands under `@shared_task`.

    Args:
        title: as people see it.
        owner: called with the task's arguments (without `self`), gives the user who owns it, or the primary key;
            None: whoever the message's header `headway_owner` names, else nobody, so that staff alone see it.
        stages: names of its stages, in order.

    """
    tracking = Tracking(title=title, owner=owner, stages=tuple(stages))
    also([title, *tracking.stages])

    def mark(function: F) -> F:
        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            reporter = _begin(tracking)
            if reporter is None:
                return function(*args, **kwargs)
            try:
                return function(*args, **kwargs)
            except (TaskCancelled, AttemptSuperseded) as reason:
                reporter.left_by = reason
                raise Ignore(str(reason)) from None

        setattr(run, MARK, tracking)
        return cast("F", run)

    return mark


def sent(name: str, headers: Mapping[str, Any], body: Any) -> None:
    """Make the row of a message that was sent, if its task is tracked; a message for another attempt has one."""
    task = current_app.tasks.get(name)
    tracking = getattr(task and task.run, MARK, None)
    if tracking is None or headers.get("retries"):
        return
    try:
        args, kwargs, _ = body
        owner = _owner(tracking, headers.get(OWNER_HEADER), args, kwargs)
        _make(tracking, headers["id"], name, owner, next_at=parse_datetime(headers.get("eta") or ""))
    except Exception:
        logger.exception("The row of %s %s could not be made; its worker tries again.", name, headers.get("id"))


def _make(tracking: Tracking, celery_id: str, name: str, owner: Any, **noted: Any) -> None:
    """Write the row, unless it is there; within the sender's transaction, which survives a fault here."""
    row = Task(
        pk=_pk(celery_id),
        job=name[-LONGEST_JOB:],
        own_title=tracking.title,
        celery_id=celery_id,
        owner_id=owner,
        **noted,
    )
    with transaction.atomic():
        Task.objects.bulk_create([row], ignore_conflicts=True)
    transaction.on_commit(partial(newcomers.put, row))


def _owner(tracking: Tracking, named: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The primary key of the owner, None if there is no such user."""
    found = named if named is not None or tracking.owner is None else tracking.owner(*args, **kwargs)
    if found is None:
        return None
    users = get_user_model().objects.filter(pk=getattr(found, "pk", found))
    return users.values_list("pk", flat=True).first()


def _begin(tracking: Tracking) -> TrackedReporter | None:
    """Claim the row of the task that runs here; None: it is no tracked run of its own, or has no row.

    Raises:
        Ignore: it was cancelled while it waited.

    """
    task: Any = current_task
    if not task or not task.request.id or getattr(task.run, MARK, None) is not tracking:
        return None
    request = task.request
    if recorder.find(request.id):
        return None
    try:
        row = _claimed(tracking, task.name, request)
    except Exception:
        logger.exception("%s %s runs without its row.", task.name, request.id)
        _without_row.add(request.id)
        return None
    if row is None:
        raise Ignore("It was cancelled before it began.")
    reporter = tracked_reporter(row, tracking.stages)
    recorder.adopt(request.id, reporter)
    reporter.begin()
    return reporter


def _claimed(tracking: Tracking, name: str, request: Any) -> Task | None:
    """The row, running as a new attempt; None: it is cancelled."""
    rows = Task.objects.filter(pk=_pk(request.id))
    task: Task | None = rows.first()
    if task is None:
        owner = _owner(tracking, getattr(request, OWNER_HEADER, None), request.args or (), request.kwargs or {})
        _make(tracking, request.id, name, owner)
        task = rows.get()
    attempt, worker = max(task.attempt, request.retries) + 1, request.hostname or ""
    if not rows.take_delivery(before=task.attempt, attempt=attempt, worker=worker, lease_s=conf.get().lease_s):
        _agree_to_cancel(task)
        return None
    task.attempt, task.worker = attempt, worker
    return task


def _agree_to_cancel(task: Task) -> None:
    """A cancel came between two attempts: there is nobody else to agree to it."""
    if Task.objects.filter(pk=task.pk).finish(attempt=task.attempt, state=State.CANCELLED):
        task.refresh_from_db()
        transaction.on_commit(partial(announce_end, task))


def ended(task: Any, celery_id: str, error: BaseException | None, result: Any) -> None:
    """Tell the end of any Celery task that reported; one without its row gets it now, if it can be written."""
    recorder.ended(celery_id, error, result)
    if celery_id in _without_row:
        with suppress(Ignore):
            _begin(getattr(task.run, MARK))
        _without_row.discard(celery_id)
        recorder.ended(celery_id, error, result)


def revoked(celery_id: str) -> None:
    """End the row of a task that Celery's own commands revoked, or whose message came too late."""
    rows = Task.objects.filter(pk=_pk(celery_id), celery_id=celery_id)
    task: Task | None = rows.first()
    if task is not None and (rows.cancel_waiting() or rows.finish(attempt=task.attempt, state=State.CANCELLED)):
        task.refresh_from_db()
        announce_end(task)


def _pk(celery_id: str) -> UUID:
    return UUID(recorder.task_id(celery_id))
