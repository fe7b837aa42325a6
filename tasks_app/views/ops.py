"""The page of operations, and what its stream tells, for a browser that has to ask for it."""

from typing import Any, Final

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from progress_app.exceptions import BackendUnavailable
from progress_app.processes import processes
from progress_app.widget import connection, sharers
from tasks_app import chart, dashboard, failures, registry
from tasks_app.overview import overview
from tasks_app.permissions import only_staff

LONG_WAIT_S: Final = 300.0  # a queue whose oldest task waits longer shows in colour
LONG_LAG_MS: Final = 1_000  # and a web process that delivers later than this


@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """What waits, runs, ends, fails and does not move; for staff."""
    only_staff(request.user)
    hours, (waited, ran), (by_job, by_error) = dashboard.throughput(), dashboard.paces(), failures.matrices()
    shown = {
        **_titled(overview()),
        "titles": {job.name: str(job.title) for job in registry.all_jobs()},
        "processes": _processes(),
        "connection": connection(for_list=True) | {"session": sharers(request)},
        "under_way": dashboard.present(),
        "stalled": dashboard.stalled(),
        "motionless": dashboard.motionless(),
        "ended": sum(hour.ended for hour in hours),
        "bad": sum(hour.bad for hour in hours),
        "failed": sum(hour.bad - hour.lost for hour in hours),
        "lost": sum(hour.lost for hour in hours),
        "ended_chart": chart.ended(hours),
        "waited": waited.whole,
        "waited_chart": chart.seconds(waited),
        "ran": ran.whole,
        "ran_chart": chart.seconds(ran),
        "by_job": by_job,
        "by_error": by_error,
        "long_wait_s": LONG_WAIT_S,
        "long_lag_ms": LONG_LAG_MS,
    }
    return render(request, "tasks_app/ops.html", shown)


def _titled(shown: dict[str, Any]) -> dict[str, Any]:
    """The overview with what each running task's job is called; the stream tells names, in nobody's language."""
    for worker in shown["workers"]:
        for task in worker["tasks"]:
            task["title"] = registry.title_of(task["job"])
    return shown


@require_safe
@login_required
def now(request: HttpRequest) -> HttpResponse:
    """The queues, workers and web processes as the channel `ops` has them; for staff."""
    only_staff(request.user)
    return JsonResponse({"v": 1, **overview(), "processes": _processes()})


def _processes() -> list[dict[str, Any]]:
    """What the web processes say of themselves; nothing while Redis is away."""
    try:
        return processes()
    except BackendUnavailable:
        return []
