"""The doors for people: thin, and each asks for permission in its first line."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required, login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from progress_app.channels import log_channel
from tasks_app import conf, lifecycle, registry
from tasks_app.download import download
from tasks_app.health import health as ask_health
from tasks_app.joblog import joblog
from tasks_app.models import Task
from tasks_app.permissions import may_control, may_start, startable_jobs, visible_task, visible_tasks


@require_safe
@login_required
def catalogue(request: HttpRequest) -> HttpResponse:
    """The jobs that one may start."""
    return render(request, "tasks_app/catalogue.html", {"jobs": startable_jobs(request.user)})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def start(request: HttpRequest, name: str) -> HttpResponse:
    """The form of a job; posted, it starts a task and shows it."""
    job = _startable(request, name)
    form = job.form(request.POST, request.FILES) if request.method == "POST" else job.form()
    if request.method == "POST" and form.is_valid():
        task = lifecycle.enqueue(job.name, user=request.user, data=request.POST, files=request.FILES)
        return redirect(task)
    status = 422 if form.is_bound else 200
    return render(request, "tasks_app/job_form.html", {"job": job, "form": form}, status=status)


def _startable(request: HttpRequest, name: str) -> registry.Job:
    job = registry.find(name)
    if job is None or not may_start(request.user, job):
        raise Http404
    return job


@require_safe
@login_required
def task_list(request: HttpRequest) -> HttpResponse:
    """The tasks that one may see: one's own, or with `?scope=all` all of them."""
    scope = "all" if request.GET.get("scope") == "all" else "mine"
    tasks = visible_tasks(request.user).select_related("owner").defer("log", "traceback", "result", "pace")
    if scope == "mine":
        tasks = tasks.filter(owner_id=request.user.pk)
    page = Paginator(tasks.distinct(), conf.get().page_size).get_page(request.GET.get("page"))
    shown = {"page_obj": page, "scope": scope, "may_see_all": request.user.is_staff or request.user.groups.exists()}
    return render(request, "tasks_app/task_list.html", shown)


@require_safe
@login_required
def detail(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """All about a task."""
    task = visible_task(request.user, task_id)
    return render(request, "tasks_app/task_detail.html", _shown(request, task))


def _shown(request: HttpRequest, task: Task) -> Mapping[str, Any]:
    control = may_control(request.user, task)
    log, position = joblog(task)
    return {
        "task": task,
        "job": registry.find(task.job),
        "may_control": control,
        "may_cancel": control and task.may_be_cancelled,
        "may_retry": control and task.is_final and registry.find(task.job) is not None,
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
    return _done(request, task, lambda: lifecycle.cancel(task, user=request.user))


@require_POST
@login_required
def retry(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Run a task again, as a new one."""
    task = visible_task(request.user, task_id)
    return _done(request, task, lambda: lifecycle.retry(task, user=request.user))


def _done(request: HttpRequest, task: Task, verb: Any) -> HttpResponse:
    """Show what the verb gave, or why it did not fit."""
    try:
        return redirect(verb())
    except lifecycle.NotAllowed as error:
        raise Http404 from error
    except lifecycle.Refused as error:
        messages.warning(request, str(error))
        return redirect(task)


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


@require_safe
@login_not_required
def health(_request: HttpRequest) -> JsonResponse:
    """200 when all that is needed answers, else 503; says what does not, not why."""
    found = ask_health()
    return JsonResponse(found, status=200 if all(found.values()) else 503)
