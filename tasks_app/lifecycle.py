"""The user's verbs: start, cancel, retry. The doors translate to them, and they to transitions."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import UploadedFile
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from progress_app.events import State
from progress_app.words import state_text
from tasks_app import attachments, audit, children, origin, registry, starting
from tasks_app.announce import announce_end, tell_worker
from tasks_app.models import Task
from tasks_app.permissions import may_control, may_start
from tasks_app.refusal import NotAllowed, Refused
from tasks_app.unique import unique_key

__all__ = ["NotAllowed", "Refused", "announce_end", "cancel", "enqueue", "retry"]


def enqueue(
    job_name: str,
    *,
    user: Any,
    data: Mapping[str, Any],
    files: Mapping[str, Any] | None = None,
    idempotency_key: str = "",
) -> Task:
    """Start a job: the row and its files are committed first, then it is handed to the broker.

    Args:
        job_name: as in the catalogue.
        user: who starts and owns it.
        data: values as submitted to the job's form.
        files: uploaded files by the form's field.
        idempotency_key: the caller's name for this call, at most 100 characters; a second call of the same user with
            it gives the first one's task. "": each call is a new one.

    Returns:
        The new task; or, `joined`, the one that is under way with the same `unique_by` values.

    Raises:
        UnknownJob: there is no such job.
        NotAllowed: the user may not start it.
        BadParameters: the values do not fit the form; nothing is kept.
        Refused: the key was used for another start, or the same work is under way where the user may not see it.

    """
    job = registry.get(job_name)
    _check_may_start(user, job)
    values = job.bind(data, files)
    uploads = {name: file for name, file in (files or {}).items() if isinstance(file, UploadedFile)}
    draft = _draft(job, user, _submitted(job, data), values)
    draft.idempotency_key = idempotency_key
    return starting.start(draft, user, partial(_keep_uploads, uploads=uploads) if uploads else None)


def enqueue_as_project(job_name: str, *, data: Mapping[str, Any]) -> Task:
    """Start a job for nobody: the project's own chores. No door of a user leads here.

    Raises:
        UnknownJob, BadParameters, Refused: as `enqueue`.

    """
    job = registry.get(job_name)
    values = job.bind(data)
    return starting.start(_draft(job, None, _submitted(job, data), values), AnonymousUser())


def _check_may_start(user: Any, job: registry.Job) -> None:
    if not may_start(user, job):
        raise NotAllowed(
            _("You may not start the job {job}; ask for {permission}.").format(
                job=job.name, permission=job.permission or _("a staff account")
            )
        )


def _draft(job: registry.Job, user: Any, params: dict[str, Any], values: Mapping[str, Any], **more: Any) -> Task:
    key = unique_key(job, values)
    return Task(
        job=job.name, owner=user, origin=origin.current(), params=params, queue=job.queue, priority=job.priority,
        unique_key=key, language=get_language() or "", **more,
    )  # fmt: skip


def _keep_uploads(task: Task, uploads: Mapping[str, UploadedFile[Any]]) -> None:
    for field, upload in uploads.items():
        attachments.keep(task, upload, upload.name or field, field=field)


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
        raise NotAllowed(_("Only its owner and staff may cancel a task."))
    with transaction.atomic():
        if _cancelled(task):
            audit.note(task, "cancelled", user)
        elif task.state != State.CANCELLING:
            raise Refused(
                _("This task has already ended ({state}); there is nothing to cancel.").format(
                    state=state_text(task.state)
                )
            )
    return task


def _cancelled(task: Task) -> bool:
    """Move the row; False: it was not to be cancelled any more, or was asked to before."""
    row = Task.objects.filter(pk=task.pk)
    if row.cancel_waiting():
        transaction.on_commit(partial(announce_end, task))
        transaction.on_commit(partial(children.ended, task, State.CANCELLED))
        moved = True
    elif moved := row.request_cancel():
        transaction.on_commit(partial(children.cancel if task.has_children else _tell_worker, task))
    task.refresh_from_db()
    return moved


def _tell_worker(task: Task) -> None:
    tell_worker(task.pk)


def retry(
    task: Task, *, user: Any, data: Mapping[str, Any] | None = None, files: Mapping[str, Any] | None = None
) -> Task:
    """Run an ended task again: a new task, linked to this one.

    Args:
        task: the ended one.
        user: who starts and owns the new one.
        data: its values, as submitted to the job's form; None: those of the ended one.
        files: uploaded files; those that the ended one was given stand for fields without a new file.

    Returns:
        As `enqueue`.

    Raises:
        NotAllowed: neither the owner nor staff; or the values are new and the user may not start the job.
        Refused: it has not ended yet, its job is gone from the code, or its values no longer fit the job's form.
        BadParameters: the new values do not fit the form.

    """
    job, given = _check_may_retry(user, task), attachments.inputs(task)
    if data is None:
        draft = _draft(job, user, task.params, _values_again(job, task.params, given))
        uploads: dict[str, UploadedFile[Any]] = {}
    else:
        _check_may_start(user, job)
        uploads = {name: file for name, file in (files or {}).items() if isinstance(file, UploadedFile)}
        draft = _draft(job, user, _submitted(job, data), job.bind(data, given | uploads))
    draft.group, draft.retry_of = task.group, task

    def keep(again: Task) -> None:
        _keep_inputs(task, again, uploads)
        audit.note(task, "retried" if data is None else "changed", user, str(again.pk))

    return starting.start(draft, user, keep)


def _check_may_retry(user: Any, task: Task) -> registry.Job:
    """The job that is to run again."""
    if not may_control(user, task):
        raise NotAllowed(_("Only its owner and staff may retry a task."))
    if task.parent_id is not None:
        raise Refused(_("This task is a part of another one: run that one again."))
    if not task.is_final:
        raise Refused(_("This task has not ended yet ({state}); cancel it first.").format(state=state_text(task.state)))
    if task.celery_id:
        raise Refused(_("This task was started by the project's own code, not by a form: start it there again."))
    job = registry.find(task.job)
    if job is None:
        raise Refused(_("The job {job} is no longer part of this installation.").format(job=task.job))
    return job


def _values_again(job: registry.Job, params: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return job.bind(params, given)
    except registry.BadParameters as error:
        raise Refused(_("{error} Run it again with changed input.").format(error=error)) from error


def _keep_inputs(source: Task, again: Task, uploads: Mapping[str, UploadedFile[Any]]) -> None:
    attachments.share_inputs(source, again, except_for=uploads)
    _keep_uploads(again, uploads)
