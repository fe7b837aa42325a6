"""The user's verbs: start, cancel, retry. The doors translate to them, and they to transitions."""

import logging
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction

from progress_app import connections
from progress_app.events import State
from progress_app.exceptions import BackendUnavailable
from tasks_app import attachments, outbox, registry
from tasks_app.models import Task
from tasks_app.permissions import may_control, may_start
from tasks_app.record import snapshot_of

logger = logging.getLogger(__name__)


class Refused(Exception):
    """The verb does not fit: its text says why and what to do."""


class NotAllowed(Refused):
    """This user may not do that."""


def enqueue(job_name: str, *, user: Any, data: Mapping[str, Any], files: Mapping[str, Any] | None = None) -> Task:
    """Start a job: the row and its files are committed first, then it is handed to the broker.

    Args:
        job_name: as in the catalogue.
        user: who starts and owns it.
        data: values as submitted to the job's form.
        files: uploaded files by the form's field.

    Raises:
        UnknownJob: there is no such job.
        NotAllowed: the user may not start it.
        BadParameters: the values do not fit the form; nothing is kept.

    """
    job = registry.get(job_name)
    if not may_start(user, job):
        raise NotAllowed(f"You may not start the job {job_name!r}; ask for {job.permission or 'a staff account'}.")
    job.bind(data, files)
    uploads = {name: file for name, file in (files or {}).items() if isinstance(file, UploadedFile)}
    with transaction.atomic():
        task = Task.objects.create(job=job.name, owner=user, params=_submitted(job, data))
        for field, upload in uploads.items():
            attachments.keep(task, upload, upload.name or field, field=field)
        transaction.on_commit(partial(outbox.put, task))
    return task


def _submitted(job: registry.Job, data: Mapping[str, Any]) -> dict[str, Any]:
    """The submitted values as the form's widgets read them and JSON can hold them."""
    fields = job.form.base_fields.items()
    found = {name: field.widget.value_from_datadict(data, {}, name) for name, field in fields if name in data}
    encoder = DjangoJSONEncoder()
    return {name: value if _is_json(value) else encoder.encode(value).strip('"') for name, value in found.items()}


def _is_json(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool | list | dict)


def cancel(task: Task, *, user: Any) -> Task:
    """Cancel a task: at once while it waits, else as soon as its job agrees.

    Raises:
        NotAllowed: neither the owner nor staff.
        Refused: it has ended already.

    """
    if not may_control(user, task):
        raise NotAllowed("Only its owner and staff may cancel a task.")
    row = Task.objects.filter(pk=task.pk)
    if row.cancel_waiting():
        task.refresh_from_db()
        transaction.on_commit(partial(announce_end, task))
    elif row.request_cancel():
        task.refresh_from_db()
        transaction.on_commit(partial(_tell_worker, task))
    else:
        task.refresh_from_db()
        if task.state != State.CANCELLING:
            raise Refused(f"This task has already ended ({task.state}); there is nothing to cancel.")
    return task


def _tell_worker(task: Task) -> None:
    """Set the flag that the job's next send finds; the lease renewal finds the row if Redis is away."""
    try:
        connections.backend().request_cancel(str(task.pk), time.time())
    except BackendUnavailable as error:
        logger.warning("The cancel of task %s is told with its next lease renewal: %s", task.pk, error)


def announce_end(task: Task) -> bool:
    """Send the end that the row tells of to all viewers; False: Redis is away, it is sent again later."""
    try:
        connections.backend().publish(snapshot_of(task))
    except BackendUnavailable as error:
        logger.warning("The end of task %s is sent later: %s", task.pk, error)
        Task.objects.filter(pk=task.pk).update(end_sent=False)
        return False
    return True


def retry(task: Task, *, user: Any) -> Task:
    """Run an ended task again: a new task with the same parameters and files, linked to this one.

    Raises:
        NotAllowed: neither the owner nor staff.
        Refused: it has not ended yet, or its job is gone from the code.

    """
    if not may_control(user, task):
        raise NotAllowed("Only its owner and staff may retry a task.")
    if not task.is_final:
        raise Refused(f"This task has not ended yet ({task.state}); cancel it first.")
    if registry.find(task.job) is None:
        raise Refused(f"The job {task.job!r} is no longer part of this installation.")
    with transaction.atomic():
        again = Task.objects.create(job=task.job, owner=user, group=task.group, params=task.params, retry_of=task)
        attachments.share_inputs(task, again)
        transaction.on_commit(partial(outbox.put, again))
    return again
