"""Makes the children that a job asked for, all or none, in the write that gives the parent's worker back."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils.module_loading import import_string

from progress_app.exceptions import UsageError
from progress_app.host import Fan
from progress_app.rollup import Rollup
from tasks_app import attachments, conf, registry
from tasks_app.models import Family, Task


def checked(task: Task, fan: Fan) -> Fan:
    """As `Host.map`, for a task's job."""
    if task.parent_id is not None:
        raise UsageError("map() in a child: children have none of their own; make the list of children flat.")
    if task.has_children:
        raise UsageError("map() in a `then`: a task has children once; start another task for the next ones.")
    most = conf.get().most_children
    if len(fan.params) > most:
        raise UsageError(f"map() with {len(fan.params):,} children: at most {most:,}; give each more to do.")
    job = _job(fan.job)
    files = attachments.inputs(task)
    params = tuple(_fitting(job, number, given, files) for number, given in enumerate(fan.params))
    return replace(fan, job=job.name, params=params, then=_path(fan.then))


def _job(job: Callable[..., Any] | str) -> registry.Job:
    name = job if isinstance(job, str) else getattr(job, "__name__", repr(job))
    try:
        return registry.get(name)
    except registry.UnknownJob as error:
        raise UsageError(f"map(): {error}") from error


def _fitting(job: registry.Job, number: int, given: Mapping[str, Any], files: Mapping[str, Any]) -> dict[str, Any]:
    try:
        params: dict[str, Any] = json.loads(json.dumps(dict(given), allow_nan=False))
        job.bind(params, files)
    except (TypeError, ValueError) as error:  # BadParameters is a ValueError
        raise UsageError(f"map(): child {number} of {job.name!r}: {error}") from error
    return params


def _path(then: Callable[..., Any] | str | None) -> str | None:
    """Where another process finds the function."""
    if then is None:
        return None
    path = then if isinstance(then, str) else f"{then.__module__}.{getattr(then, '__qualname__', repr(then))}"
    try:
        found = import_string(path)
    except ImportError:
        found = None
    if found is None or not (isinstance(then, str) or found is then):
        raise UsageError(f"map(then={then!r}): give a function at the top of a module, so that any worker finds it.")
    return path


def start(parent: Task, fan: Fan, rollup: Rollup, **noted: Any) -> bool:
    """Make the children and let their parent wait for them; False: it is to be cancelled, or not this attempt's."""
    row = Task.objects.filter(pk=parent.pk, attempt=parent.attempt)
    with transaction.atomic():
        if not row.park(attempt=parent.attempt, **noted):
            return row.parked().exists()  # written before, and the database went away before it could say so
        Family.objects.create(
            parent=parent, total=rollup.total, then=str(fan.then or ""), on_failure=fan.on_failure.value,
            snapshot=rollup.snapshot.to_json().decode(), low=rollup.low, high=rollup.high, stage=rollup.stage,
        )  # fmt: skip
        job = registry.get(str(fan.job))
        Task.objects.bulk_create(
            Task(
                job=job.name, owner_id=parent.owner_id, group_id=parent.group_id, params=dict(params), parent=parent,
                number=number, queue=job.queue, priority=job.priority, language=parent.language,
            )
            for number, params in enumerate(fan.params)
        )  # fmt: skip
    return True
