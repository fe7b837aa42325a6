"""A task's page, what one may do with the task, and its files."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from progress_app.channels import log_channel
from tasks_app import lifecycle, registry
from tasks_app.attempts import past_attempts
from tasks_app.download import download
from tasks_app.joblog import joblog
from tasks_app.models import Task
from tasks_app.permissions import may_control, may_start, visible_task
from tasks_app.views.verb import answer


@require_safe
@login_required
def detail(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """All about a task."""
    task = visible_task(request.user, task_id)
    return render(request, "tasks_app/task_detail.html", _shown(request, task))


def _shown(request: HttpRequest, task: Task) -> Mapping[str, Any]:
    control = may_control(request.user, task)
    log, position = joblog(task)
    job = registry.find(task.job)
    return {
        "task": task,
        "job": job,
        "may_control": control,
        "may_cancel": control and task.may_be_cancelled,
        "may_retry": control and task.is_final and job is not None,
        "may_change": control and task.is_final and job is not None and may_start(request.user, job),
        "past_attempts": past_attempts(task),
        "attachments": list(task.attachments.all()),
        "log": log,
        "log_channel": log_channel(task.pk),
        "log_position": position,
        "show_traceback": request.user.is_staff and bool(task.traceback),
    }


@require_POST
@login_required
def cancel(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Ask for the end of a task."""
    task = visible_task(request.user, task_id)
    return answer(request, lambda: lifecycle.cancel(task, user=request.user), otherwise=task)


@require_POST
@login_required
def retry(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Run a task again, as a new one."""
    task = visible_task(request.user, task_id)
    return answer(request, lambda: lifecycle.retry(task, user=request.user), otherwise=task)


@require_safe
@login_required
def file(request: HttpRequest, task_id: UUID, file_id: int, name: str) -> StreamingHttpResponse:
    """Download a file of a task."""
    task = visible_task(request.user, task_id)
    attachment = task.attachments.filter(pk=file_id).first()
    if attachment is None or attachment.name != name:  # PostgreSQL would refuse to look for a name with a NUL
        raise Http404
    try:
        return download(request, attachment)
    except FileNotFoundError as error:
        raise Http404 from error
