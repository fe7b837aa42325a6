"""Forgets tasks: their rows, their files, and files that belong to nobody.

Only whole runs are forgotten: an ended task that nobody's child is, with all its children. Rows go in batches, so that
no lock is held for long; a file goes when the last row that names it has gone.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from progress_app.events import FINAL
from tasks_app.models import Attachment, Task
from tasks_app.transitions import Transitions

BATCH: Final = 200  # with their children some thousand rows at most times: well under a second
FOLDER: Final = "tasks"
STRAY_AFTER: Final = timedelta(days=1)  # an upload lies there before its row is committed


def expired(*, days: int, most: int) -> Transitions:
    """The ended tasks to forget: older than so many days, or not among the newest so many."""
    ended = Task.objects.filter(state__in=FINAL, parent=None)
    oldest_kept = ended.order_by("-finished_at").values_list("finished_at", flat=True)[most - 1 : most].first()
    limits = [timezone.now() - timedelta(days=days), *([oldest_kept] if oldest_kept else [])]
    return ended.filter(finished_at__lt=max(limits))


def forget(
    tasks: Transitions, rest: Callable[[float], object] = time.sleep, clock: Callable[[], float] = time.monotonic
) -> Iterator[int]:
    """Forget tasks, batch after batch; yields how many each batch had, their children not counted.

    Args:
        tasks: which.
        rest: called after each batch with the seconds that it took. SQLite has one writer at a time, and whoever waits
            for it looks again only now and then: without a rest a worker's claims would hardly ever come through.
        clock: gives seconds.

    """
    while True:
        began_s = clock()
        batch = list(tasks.order_by("finished_at").values_list("pk", flat=True)[:BATCH])
        if not batch:
            return
        _forget(batch)
        yield len(batch)
        rest(clock() - began_s)


def _forget(batch: Sequence[UUID]) -> None:
    family = Task.objects.filter(pk__in=batch) | Task.objects.filter(parent__in=batch)
    with transaction.atomic():
        names = set(Attachment.objects.filter(task__in=family.values("pk")).values_list("file", flat=True))
        Task.objects.filter(pk__in=batch).delete()
    # After the commit: a row without its file would be worse than a file without its row, which `strays` finds.
    for name in names - set(Attachment.objects.filter(file__in=names).values_list("file", flat=True)):
        _remove(name)


def _remove(name: str) -> None:
    default_storage.delete(name)
    _remove_empty(name.rpartition("/")[0])


def _remove_empty(folder: str) -> None:
    """Remove a folder and those above it, as far as they are empty; storages without folders have none."""
    while folder and folder != FOLDER:
        try:
            folders, files = default_storage.listdir(folder)
            if folders or files:
                return
            default_storage.delete(folder)
        except (OSError, NotImplementedError):
            return
        folder = folder.rpartition("/")[0]


def strays(now: datetime) -> Iterator[str]:
    """The names of stored files whose task is gone or never came to be; storages that cannot list have none."""
    try:
        folders, _ = default_storage.listdir(FOLDER)
    except (OSError, NotImplementedError):
        return
    for folder in folders:
        for name in _files(f"{FOLDER}/{folder}"):
            old = default_storage.get_modified_time(name) < now - STRAY_AFTER
            if old and not Attachment.objects.filter(file=name).exists():
                yield name


def _files(folder: str) -> Iterator[str]:
    folders, files = default_storage.listdir(folder)
    yield from (f"{folder}/{file}" for file in files)
    for inner in folders:
        yield from _files(f"{folder}/{inner}")


def remove_strays() -> int:
    """Remove them; gives how many there were."""
    count = 0
    for name in list(strays(timezone.now())):
        _remove(name)
        count += 1
    return count
