"""Ends that viewers have not been told: Redis was away, or the worker died between writing and telling.

A mark says up to when all ends were looked at, so that each is looked at once, however long nobody looked.
"""

from typing import Final

from django.db.models.functions import Now

from progress_app import connections
from progress_app.exceptions import BackendUnavailable
from tasks_app.announce import announce_end
from tasks_app.models import Mark, Task
from tasks_app.transitions import from_now

MARK: Final = "ends"
BEING_TOLD_S: Final = 5.0  # longer than a worker takes to tell what it has written
MOST_A_ROUND: Final = 5_000
MOST_SENT: Final = 500


def tell() -> int:
    """Tell the ends that were not told; gives how many."""
    _look()
    sent = 0
    for task in Task.objects.filter(end_sent=False).order_by("finished_at")[:MOST_SENT]:
        if not announce_end(task):
            break
        Task.objects.filter(pk=task.pk).update(end_sent=True)
        sent += 1
    return sent


def _look() -> None:
    """Note the ended tasks that Redis still shows as running."""
    mark, _ = Mark.objects.get_or_create(name=MARK, defaults={"at": Now()})
    ended = Task.objects.filter(finished_at__gte=mark.at, finished_at__lt=from_now(-BEING_TOLD_S))
    seen = list(ended.order_by("finished_at").values_list("pk", "finished_at")[:MOST_A_ROUND])
    if not seen:
        return
    try:
        lagging = connections.backend().unfinished([str(pk) for pk, _ in seen])
    except BackendUnavailable:
        return
    Task.objects.filter(pk__in=lagging).update(end_sent=False)
    Mark.objects.filter(name=MARK).update(at=seen[-1][1] or mark.at)
