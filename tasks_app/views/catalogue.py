"""The catalogue of jobs."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tasks_app.permissions import startable_jobs


@require_safe
@login_required
def catalogue(request: HttpRequest) -> HttpResponse:
    """The jobs that one may start."""
    return render(request, "tasks_app/catalogue.html", {"jobs": startable_jobs(request.user)})
