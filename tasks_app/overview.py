"""What operations watch: the queues and the workers, as the channel `ops` tells them; the project's PROGRESS_OVERVIEW.

From the database: it is the truth about who waits and who runs, also while the broker is away. Workers with nothing to
do are in no row of it; they say themselves that they are there. How far a task is, Redis knows better: the row learns
it when the lease is renewed.
"""

import logging
from collections.abc import Sequence
from typing import Any, Final

from django.db.models import Count, Min
from django.utils import timezone

from progress_app import connections
from progress_app.events import State
from progress_app.exceptions import BackendUnavailable
from tasks_app import presence
from tasks_app.models import Task
from tasks_app.transitions import OWNED, WAITING

MOST_SHOWN: Final = 200  # running tasks

logger = logging.getLogger(__name__)


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
    fields = ("id", "job", "state", "percent", "attempt", "started_at", "finished_at", "worker")
    shown = list(running.only(*fields)[:MOST_SHOWN])
    percents = _percents(shown)
    for task in shown:
        workers.setdefault(task.worker, []).append(
            {
                "task": str(task.pk),
                "job": task.job,
                "state": State(task.state).value,
                "percent": percents.get(str(task.pk), task.percent),
                "running_s": None if task.duration_s is None else round(task.duration_s, 1),
            }
        )
    return [{"name": name, "tasks": tasks} for name, tasks in sorted(workers.items())]


def _percents(tasks: Sequence[Task]) -> dict[str, float | None]:
    """How far the tasks are by Redis, of those that it knows in their present attempt."""
    try:
        found = connections.backend().read_snapshots([str(task.pk) for task in tasks])
    except BackendUnavailable as error:
        logger.warning("How far the running tasks are is told by their rows: %s", error)
        return {}
    attempts = {str(task.pk): task.attempt for task in tasks}
    return {pk: snapshot.percent for pk, snapshot in found.items() if snapshot.attempt == attempts[pk]}
