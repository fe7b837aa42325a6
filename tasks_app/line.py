"""A waiting task's place in its line (its queue and priority), and when it may start: cheap to ask often."""

from statistics import fmean
from typing import Final

from django.db.models import Q
from django.utils import timezone

from progress_app.events import Place
from tasks_app.models import Task
from tasks_app.transitions import OWNED, WAITING

MOST_COUNTED: Final = 1_000  # a place further back is told as this one
SAMPLE: Final = 20  # ended tasks of the queue that say how long one takes
HALF_DONE: Final = 0.5  # of its time: what runs now is on average so far


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
    """A forecast in seconds: as many slots as tasks run now; None while nothing runs or nothing is known."""
    running = Task.objects.filter(queue=queue, state__in=OWNED).count()
    ended = Task.objects.filter(queue=queue, finished_at__isnull=False, started_at__isnull=False)
    times = ended.order_by("-finished_at").values_list("started_at", "finished_at")[:SAMPLE]
    took_s = [(end - begin).total_seconds() for begin, end in times if begin and end]
    if not running or not took_s:
        return None
    return round((position - HALF_DONE) * fmean(took_s) / running, 1)
