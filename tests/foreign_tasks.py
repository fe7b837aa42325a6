"""Celery tasks of a project that knows no jobs; a worker of tests/stack.py imports this module."""

import time
from pathlib import Path
from typing import Any

from celery import shared_task

from progress_app.recorder import ProgressRecorder, Reporter
from tasks_app.tracking import track_celery

PIECE_S = 0.01


def wait_for(path: str) -> None:
    while not Path(path).exists():
        time.sleep(PIECE_S)


def owner_of(rows: int, until: str = "", owner: int | None = None) -> int | None:
    return owner


@shared_task(bind=True)
@track_celery("Nightly import", owner=owner_of)
def nightly_import(self: Any, rows: int, until: str = "", owner: int | None = None) -> dict[str, int]:
    """Count rows, then wait for a file if one is named."""
    progress = Reporter.for_celery(self)
    for _ in progress.track(range(rows), unit="rows"):
        pass
    while until and not Path(until).exists():
        time.sleep(PIECE_S)
        progress.raise_if_cancelled()
    return {"rows": rows}


@shared_task(bind=True, autoretry_for=(OSError,), retry_kwargs={"max_retries": 2, "countdown": 0})
@track_celery("Flaky import")
def flaky_import(self: Any, works_at: int) -> str:
    """Fail until so many retries were made."""
    ProgressRecorder(self).set_progress(self.request.retries + 1, works_at + 1, "trying")
    if self.request.retries < works_at:
        raise OSError("the other side is away")
    return "done"


@shared_task
@track_celery("Silent import")
def silent_import(until: str) -> None:
    """Make no progress call at all."""
    wait_for(until)


@shared_task(bind=True)
def old_import(self: Any, rows: int) -> None:
    """Report as celery-progress does, without a row."""
    progress = ProgressRecorder(self)
    for row in range(rows):
        progress.set_progress(row + 1, rows, "loading")
