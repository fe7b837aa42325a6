"""Hands committed tasks to the broker, beside the request: a click never waits for Celery.

One thread a process publishes. It publishes by the entry point's name, so that nothing here imports `tasks`. A
publish that fails is *unsure* (a message that timed out may have arrived all the same): the row then stays
unpublished, and `maintenance` publishes again. A second copy is harmless, because a claim is conditional.
"""

import logging
import os
import queue
import threading
from typing import Final
from uuid import UUID

from celery import current_app
from django.db import close_old_connections

from tasks_app import registry
from tasks_app.models import Task

RUN: Final = "tasks_app.run"
MOST_WAITING: Final = 10_000  # beyond that maintenance publishes; a click still does not wait
DEFAULT_QUEUE: Final = "default"

logger = logging.getLogger(__name__)


def celery_id(task_id: UUID, attempt: int) -> str:
    """The Celery id of an attempt; never used twice, because a revoked id never runs again on that worker."""
    return f"{task_id}.{attempt}"


def publish(task: Task) -> bool:
    """Hand the task's next attempt to the broker now, within the broker's time-outs; False: unsure."""
    job = registry.find(task.job)
    try:
        current_app.send_task(
            RUN,
            args=[str(task.pk)],
            task_id=celery_id(task.pk, task.attempt + 1),
            queue=job.queue if job else DEFAULT_QUEUE,
        )
    except Exception as error:  # noqa: BLE001  (whatever a broker's client raises, the row is safe)
        logger.warning("Task %s is not with the broker yet; it is published again: %s", task.pk, error)
        return False
    Task.objects.filter(pk=task.pk).mark_published(attempt=task.attempt)
    return True


class Outbox:
    """The publishing thread of this process; started by the first task."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[Task] = queue.Queue(MOST_WAITING)
        self._lock = threading.Lock()
        self._pid = 0

    def put(self, task: Task) -> None:
        """Publish soon. Call it after the commit."""
        try:
            self._waiting.put_nowait(task)
        except queue.Full:
            logger.warning("The outbox is full; task %s is left to maintenance.", task.pk)
        self._start()

    def _start(self) -> None:
        """One thread, also in a child that was forked since."""
        with self._lock:
            if self._pid != os.getpid():
                self._pid = os.getpid()
                threading.Thread(target=self._run, name="outbox", daemon=True).start()

    def _run(self) -> None:
        while True:
            task = self._waiting.get()
            try:
                publish(task)
            except Exception:
                logger.exception("Task %s could not be published; maintenance does it.", task.pk)
            finally:
                close_old_connections()
                self._waiting.task_done()

    def flush(self) -> None:
        """Wait until all that was put is published."""
        self._waiting.join()


_outbox = Outbox()
put = _outbox.put
flush = _outbox.flush
