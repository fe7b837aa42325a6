"""A waiting task's place in its line (its queue and priority), and when it may start: cheap to ask often."""

from heapq import heapify, heapreplace
from statistics import fmean
from typing import Final

from django.db.models import Q
from django.utils import timezone

from progress_app.events import Place
from tasks_app.models import Task
from tasks_app.transitions import OWNED, WAITING

MOST_COUNTED: Final = 1_000  # a place further back is told as this one
SAMPLE: Final = 20  # ended tasks of the queue that say how long one takes
MOST_SLOTS: Final = 200
FIRM_PERCENT: Final = 2  # a task that is so far tells its pace


def place_of(task: Task) -> Place | None:
    """The place of a task that waits, 1 is next; None once it has begun. Three small queries by index."""
    if task.state not in WAITING:
        return None
    same_queue = Task.objects.filter(queue=task.queue)
    earlier = Q(priority__lt=task.priority) | Q(priority=task.priority, created_at__lt=task.created_at)
    position = len(same_queue.filter(earlier, state__in=WAITING).values_list("pk")[: MOST_COUNTED - 1]) + 1
    if task.next_at is not None:
        return Place(position=position, starts_in_s=max(0.0, (task.next_at - timezone.now()).total_seconds()))
    return Place(position=position, starts_in_s=_starts_in_s(task.queue, position))


def _starts_in_s(queue: str, position: int) -> float | None:
    """A forecast in seconds: as many slots as tasks run now, each free when its task should end.

    None while nothing runs, nothing is known, or all that runs has taken longer than tasks do and tells no percentage.
    """
    ended = Task.objects.filter(queue=queue, finished_at__isnull=False, started_at__isnull=False)
    times = ended.order_by("-finished_at").values_list("started_at", "finished_at")[:SAMPLE]
    took_s = [(end - begin).total_seconds() for begin, end in times if begin and end]
    running = Task.objects.filter(queue=queue, state__in=OWNED).only("started_at", "percent")[:MOST_SLOTS]
    usual_s = fmean(took_s) if took_s else None
    free = [left for task in running if (left := _left_s(task, usual_s)) is not None]
    if not free or (usual_s is None and position > len(free)):
        return None
    return round(_turn_s(free, position, usual_s or 0.0), 1)


def _left_s(task: Task, usual_s: float | None) -> float | None:
    """How long a task that runs still needs: by its own pace, else by what is usual; None when neither says."""
    so_far_s = task.duration_s or 0.0
    if task.percent is not None and task.percent >= FIRM_PERCENT:
        return max(0.0, so_far_s * (100 - task.percent) / task.percent)
    return usual_s - so_far_s if usual_s is not None and so_far_s < usual_s else None


def _turn_s(free: list[float], position: int, usual_s: float) -> float:
    """When the slots come to this place in line, if each task before it takes as long as is usual."""
    heapify(free)
    for _ in range(position - 1):
        heapreplace(free, free[0] + usual_s)
    return free[0]
