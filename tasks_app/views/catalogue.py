"""The catalogue of jobs, and the form that starts one."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from tasks_app import lifecycle, registry
from tasks_app.permissions import may_start, startable_jobs


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
