"""What operations watch: the queues and the workers, as the channel `ops` tells them; the project's PROGRESS_OVERVIEW.

From the database: it is the truth about who waits and who runs, also while the broker is away. Workers with nothing to
do are in no row of it; they say themselves that they are there.
"""

from typing import Any, Final

from django.db.models import Count, Min
from django.utils import timezone

from progress_app.events import State
from tasks_app import presence
from tasks_app.models import Task
from tasks_app.transitions import OWNED, WAITING

MOST_SHOWN: Final = 200  # running tasks


def overview() -> dict[str, Any]:
    """The queues with who waits in them, and the workers with what they run."""
    return {"queues": _queues(), "workers": _workers()}


def _queues() -> list[dict[str, Any]]:
    now = timezone.now()
    waiting = Task.objects.filter(state__in=WAITING).values("queue").order_by("queue")
    return [
        {
            "name": queue["queue"],
            "depth": queue["depth"],
            "oldest_s": round((now - queue["oldest"]).total_seconds(), 1),
        }
        for queue in waiting.annotate(depth=Count("pk"), oldest=Min("created_at"))
    ]


def _workers() -> list[dict[str, Any]]:
    """By name, each with its running tasks, the longest first; none for a worker that waits for one."""
    running = Task.objects.filter(state__in=OWNED, lease_until__isnull=False).order_by("worker", "started_at")
    workers: dict[str, list[dict[str, Any]]] = {name: [] for name in presence.present()}
    for task in running.only("id", "job", "state", "percent", "started_at", "finished_at", "worker")[:MOST_SHOWN]:
        workers.setdefault(task.worker, []).append(
            {
                "task": str(task.pk),
                "job": task.job,
                "state": State(task.state).value,
                "percent": task.percent,
                "running_s": None if task.duration_s is None else round(task.duration_s, 1),
            }
        )
    return [{"name": name, "tasks": tasks} for name, tasks in sorted(workers.items())]
