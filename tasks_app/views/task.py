"""A task's page, what one may do with the task, and its files."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from progress_app.channels import log_channel
from progress_app.present import present
from tasks_app import lifecycle, registry, sharing
from tasks_app.attempts import past_attempts, tries
from tasks_app.audit import trail
from tasks_app.download import download
from tasks_app.history import history
from tasks_app.inputs import given
from tasks_app.joblog import joblog
from tasks_app.models import Family, Task
from tasks_app.outputs import given_back, templates
from tasks_app.permissions import may_control, may_start, visible_task
from tasks_app.refusal import Refused
from tasks_app.room import room
from tasks_app.subscriptions import can_mail, lacks_address, subscribe, unsubscribe, wants_mail
from tasks_app.views.verb import answer
from tasks_app.waterfall import waterfall

MOST_PIECES: Final = 1_000  # children drawn on their parent's page; all of them stand in the list


@require_safe
@login_required
def detail(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """All about a task."""
    task = visible_task(request.user, task_id)
    return render(request, "tasks_app/task_detail.html", _shown(request, task))


def _shown(request: HttpRequest, task: Task) -> Mapping[str, Any]:
    log, position = joblog(task)
    files, deeds = list(task.attachments.all()), trail(task)
    job = registry.find(task.job)
    return {
        **_over_time(task),
        **_offered(request.user, task, job),
        "usual_s": None if task.is_final else _usual_s(task, sum(file.size for file in files if file.field)),
        "room": None if task.is_final else room(task.job, len(job.results) if job else 0),
        "can_mail": can_mail(request.user),
        "lacks_address": lacks_address(request.user),
        "wants_mail": not task.is_final and wants_mail(task, request.user),
        "share_days": sharing.DAYS,
        "task": task,
        "job": job,
        "given": given(job, task) if job else [],
        "given_back": given_back(job, task.result),
        "result_templates": templates(job),
        "files_given": [file for file in files if file.field],
        "past_attempts": past_attempts(task),
        "tries": tries(task),
        "trail": deeds,
        "links": sharing.given_out(deeds),
        "attachments": files,
        "log": log,
        "log_channel": log_channel(task.pk),
        "log_position": position,
        "show_traceback": request.user.is_staff and bool(task.traceback),
    }


def _offered(user: Any, task: Task, job: registry.Job | None) -> dict[str, bool]:
    """Which verbs the page offers to this user."""
    control = may_control(user, task)
    may_retry = control and task.is_final and task.parent_id is None and job is not None
    return {
        "may_control": control,
        "may_cancel": control and task.may_be_cancelled,
        "may_retry": may_retry,
        "may_change": may_retry and job is not None and may_start(user, job),
    }


def _usual_s(task: Task, size: int) -> float | None:
    """How long such a task usually takes, by runs that were given as much or the same; None where that says little."""
    runs = history(task.job, sized=bool(size))
    usual = (runs.usual_for(size) if size else runs.usual_with(task.params)) or runs.usual
    return usual.middle if usual and not usual.is_wide else None


def _over_time(task: Task) -> Mapping[str, Any]:
    """The present snapshot, the children to draw, and the picture that is drawn from both."""
    snapshot = present(str(task.pk))
    if not task.has_children:
        return {"snapshot": snapshot, "pieces": [], "piece_counts": [], "waterfall": waterfall(task, snapshot)}
    counts = task.children.order_by("state").values_list("state").annotate(number=Count("pk"))
    fields = ("id", "state", "number", "started_at", "finished_at")
    pieces = list(task.children.order_by("number").only(*fields)[:MOST_PIECES])
    filled = Family.objects.filter(parent=task).values_list("stage", flat=True).first()
    picture = waterfall(task, snapshot, pieces, filled)
    return {"snapshot": snapshot, "pieces": pieces, "piece_counts": list(counts), "waterfall": picture}


@require_safe
@login_required
def log(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """The log as a text file: time, level and words of a line."""
    task = visible_task(request.user, task_id)
    entries, _position = joblog(task)
    lines = [
        f"{datetime.fromtimestamp(e.ts, UTC).isoformat(timespec='milliseconds')} {e.level} {e.text}" for e in entries
    ]
    response = HttpResponse("".join(f"{line}\n" for line in lines), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{task.job}-{str(task.pk)[:8]}.log"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_POST
@login_required
def tell_me(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Send an e-mail at the end, or with `off` none after all."""
    task = visible_task(request.user, task_id)
    try:
        if "off" in request.POST:
            unsubscribe(task, request.user)
        else:
            subscribe(task, request.user)
    except Refused as error:
        messages.warning(request, str(error))
    return redirect(task)


@require_POST
@login_required
def share(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Show a new link for people without an account, or with `revoke` kill all that were given out."""
    task = visible_task(request.user, task_id)
    if not may_control(request.user, task):
        raise Http404
    if "revoke" in request.POST:
        sharing.revoke(task, user=request.user)
        messages.success(request, _("All links to this task that were given out are dead now."))
        return redirect(task)
    days = request.POST.get("days", "")
    if not (days.isdecimal() and int(days) in sharing.DAYS):
        messages.warning(request, _("Choose how long the link is to last."))
        return redirect(task)
    with_result = "result" in request.POST
    made = sharing.share(task, days=int(days), user=request.user, with_result=with_result)
    shown = {"task": task, "tokens": {scope.value: text for scope, text in made.items()}, "days": int(days)}
    return render(request, "tasks_app/share.html", {**shown, "with_result": with_result})


@require_POST
@login_required
def cancel(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Ask for the end of a task."""
    task = visible_task(request.user, task_id)
    return answer(request, lambda: lifecycle.cancel(task, user=request.user), otherwise=task, part="controls")


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
