"""A waiting task's place in its line (its queue and priority), and when it may start: cheap to ask often."""

from collections.abc import Sequence
from heapq import heapify, heapreplace
from statistics import median
from typing import Final

from django.db.models import Q
from django.utils import timezone

from progress_app.events import Place
from tasks_app.models import Task
from tasks_app.transitions import OWNED, WAITING
from tasks_app.usual import usual_of

MOST_COUNTED: Final = 1_000  # a place further back is told as this one
SAMPLE: Final = 100  # ended tasks of the queue that say how long one takes
FEW: Final = 4  # of fewer nobody can say how much they differ
SAME_S: Final = 2.0  # such differences make no difference to who waits
MOST_SLOTS: Final = 200
FIRM_PERCENT: Final = 2  # a task that is so far tells its pace


def place_of(task: Task) -> Place | None:
    """The place of a task that waits, 1 is next; None once it has begun. Three small queries by index."""
    if task.state not in WAITING:
        return None
    same_queue = Task.objects.filter(queue=task.queue)
    earlier = Q(priority__lt=task.priority) | Q(priority=task.priority, created_at__lt=task.created_at)
    before = same_queue.filter(earlier, state__in=WAITING).order_by("priority", "created_at")
    jobs = list(before.values_list("job", flat=True)[: MOST_COUNTED - 1])
    if task.next_at is not None:
        return Place(position=len(jobs) + 1, starts_in_s=max(0.0, (task.next_at - timezone.now()).total_seconds()))
    return Place(position=len(jobs) + 1, starts_in_s=_starts_in_s(task.queue, jobs))


def _starts_in_s(queue: str, jobs: Sequence[str]) -> float | None:
    """A forecast in seconds for who comes after these jobs: as many slots as tasks run, each free when its task ends.

    None while nothing runs, or where it hangs on a task of which nobody knows how long it takes: its job's runs differ
    much, there were none, or it has taken longer than they did and tells no percentage.
    """
    usual_s = _usual_s(queue)
    running = Task.objects.filter(queue=queue, state__in=OWNED).only("job", "started_at", "percent")[:MOST_SLOTS]
    free = [_left_s(task, usual_s.get(task.job)) for task in running]
    takes = [usual_s.get(job) for job in jobs]
    if not free or None in free or None in takes:
        return None
    return round(_turn_s([s for s in free if s is not None], [s for s in takes if s is not None]), 1)


def _usual_s(queue: str) -> dict[str, float | None]:
    """By job, how long its last tasks in this queue took in the middle; None: they differ too much to say."""
    ended = Task.objects.filter(queue=queue, finished_at__isnull=False, started_at__isnull=False)
    took_s: dict[str, list[float]] = {}
    for job, begin, end in ended.order_by("-finished_at").values_list("job", "started_at", "finished_at")[:SAMPLE]:
        if begin and end:
            took_s.setdefault(job, []).append((end - begin).total_seconds())
    return {job: _middle(seconds) for job, seconds in took_s.items()}


def _middle(took_s: Sequence[float]) -> float | None:
    """In seconds; None: they differ too much for one to say. Of a few nobody can tell."""
    if len(took_s) < FEW:
        return median(took_s)
    usual = usual_of(took_s)
    return None if usual.is_wide and usual.high - usual.low >= SAME_S else usual.middle


def _left_s(task: Task, usual_s: float | None) -> float | None:
    """How long a task that runs still needs: by its own pace, else by what is usual; None when neither says."""
    so_far_s = task.duration_s or 0.0
    if task.percent is not None and task.percent >= FIRM_PERCENT:
        return max(0.0, so_far_s * (100 - task.percent) / task.percent)
    return usual_s - so_far_s if usual_s is not None and so_far_s < usual_s else None


def _turn_s(free: list[float], takes_s: Sequence[float]) -> float:
    """When a slot is free for who comes after tasks that take so long."""
    heapify(free)
    for seconds in takes_s:
        heapreplace(free, free[0] + seconds)
    return free[0]
