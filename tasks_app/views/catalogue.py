"""The catalogue of jobs."""

from typing import Final

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from progress_app.channels import audience_channel, user_channel
from progress_app.events import State
from tasks_app import attachments
from tasks_app.models import Task
from tasks_app.permissions import startable_jobs
from tasks_app.sparkline import lately

MOST_UNDER_WAY: Final = 3  # one row; more of them stand in the task list
LOOKED_AT: Final = 30  # the newest, among which those that run come first


@require_safe
@login_required
def catalogue(request: HttpRequest) -> HttpResponse:
    """The jobs that one may start, each with its last runs, and what of one's own is under way."""
    cards = [{"job": job, **lately(job.name)} for job in startable_jobs(request.user)]
    shelves = [[card for card in cards if card["job"].is_chore is chores] for chores in (False, True)]
    under_way = Task.objects.under_way_of(request.user.pk).defer("log", "traceback", "result", "pace")
    newest = under_way.prefetch_related(attachments.given())[:LOOKED_AT]
    running_first = sorted(newest, key=lambda task: task.state == State.QUEUED)
    shown = {
        "shelves": shelves,
        "under_way": running_first[:MOST_UNDER_WAY],
        "has_more": len(running_first) > MOST_UNDER_WAY,
        "rows_channel": audience_channel(user_channel(request.user.pk)),
    }
    return render(request, "tasks_app/catalogue.html", shown)
