"""The form of a job, which starts a task: anew, or again with changed input."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final, cast
from uuid import UUID, uuid4

from django.contrib.auth.decorators import login_required
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from tasks_app import attachments, conf, lifecycle, registry
from tasks_app.history import history
from tasks_app.inputs import command_line, keep_files, recent_inputs
from tasks_app.models import Task
from tasks_app.permissions import may_control, may_start, visible_task
from tasks_app.sparkline import lately
from tasks_app.uploads import refusal
from tasks_app.views.verb import answer

LONGEST_KEY: Final = 100
LARGEST_BYTES: Final = 1 << 50


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def start(request: HttpRequest, name: str) -> HttpResponse:
    """The form of a job; posted, it starts a task and shows it."""
    job = _startable(request, name)
    form = job.form(request.POST, request.FILES) if request.method == "POST" else job.form()
    if request.method != "POST" or not form.is_valid():
        return _page(request, job, form, status=422 if form.is_bound else 200)
    key = request.POST.get("idempotency_key", "")[:LONGEST_KEY]
    verb = partial(lifecycle.enqueue, job.name, user=request.user, data=request.POST, files=request.FILES)
    return answer(request, partial(verb, idempotency_key=key), otherwise=request.path)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def again(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """The form of an ended task's job, filled in as it was; posted, it starts a task with the changed input."""
    task = visible_task(request.user, task_id)
    job = _startable(request, task.job)
    if not may_control(request.user, task) or not task.is_final:
        raise Http404
    given = attachments.inputs(task)
    files = cast("Any", given)
    if request.method != "POST":
        return _page(request, job, job.form(task.params, files, initial=given), repeats=task, kept=given)
    form = job.form(request.POST, cast("Any", given | request.FILES.dict()), initial=given)
    if not form.is_valid():
        return _page(request, job, form, repeats=task, kept=given, status=422)
    verb = partial(lifecycle.retry, task, user=request.user, data=request.POST, files=request.FILES)
    return answer(request, verb, otherwise=task)


@require_safe
@login_required
def usual(request: HttpRequest, name: str) -> HttpResponse:
    """How long a job usually takes for files of so many `bytes`, as the piece of its form's page that says so."""
    job = _startable(request, name)
    given = request.GET.get("bytes", "")
    size = min(int(given), LARGEST_BYTES) if given.isascii() and given.isdecimal() else 0
    return render(request, "tasks_app/_usual.html", {"job": job, **_usual(job, size)})


def _usual(job: registry.Job, size: int) -> dict[str, Any]:
    """What is usual for files of this size, else for all of the job's runs."""
    runs = history(job.name, sized=bool(size))
    near = runs.usual_for(size) if size else None
    return {"usual": near or runs.usual, "size": size if near else 0}


def _page(
    request: HttpRequest,
    job: registry.Job,
    form: Form,
    *,
    repeats: Task | None = None,
    kept: Mapping[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page of a job's form, with the files that it keeps; its key makes a second click the same start."""
    keep_files(form, kept or {})
    key = request.POST.get("idempotency_key") or uuid4().hex
    beside = {"recent": recent_inputs(job, request.user), "command": command_line(job, form), **lately(job.name)}
    bound = {"most_bytes": conf.get().upload_limit_bytes, "too_large": refusal()}
    shown = {
        "job": job,
        "form": form,
        "kept": kept or {},
        "repeats": repeats,
        "idempotency_key": key,
        **beside,
        **bound,
    }
    return render(request, "tasks_app/job_form.html", shown, status=status)


def _startable(request: HttpRequest, name: str) -> registry.Job:
    job = registry.find(name)
    if job is None or not may_start(request.user, job):
        raise Http404
    return job
