"""Hands committed tasks to the broker, beside the request: a click never waits for Celery.

1. One thread a process publishes. It publishes by the entry point's name, so that nothing here imports `tasks`.
2. A publish that fails is *unsure* (a message that timed out may have arrived all the same): the row then stays
   unpublished, and `maintenance` publishes again. A second copy is harmless, because a claim is conditional.
3. After one unsure publish the thread leaves what comes for a while to maintenance: each further try would wait for
   the broker's time-out, and a click of now would stand behind those of minutes ago.
4. What was sent is noted a moment later, many tasks by one write: right after the message a write would stand in the
   way of the worker's claim. Whoever dies in between has sent a message that maintenance sends again.
5. A task that is to wait (a retry) is published by the thread when its time has come; maintenance does it if the
   process is gone by then.
"""

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import takewhile
from typing import Any, Final
from uuid import UUID

from celery import current_app
from django.db import close_old_connections

from tasks_app.models import Task

RUN: Final = "tasks_app.run"
MOST_WAITING: Final = 10_000  # beyond that maintenance publishes; a click still does not wait
BATCH: Final = 100  # messages that one write notes
NOTED_AFTER_S: Final = 0.05  # without a further message; a claim is through by then
PAUSE_S: Final = 5.0  # after an unsure publish: longer than the broker's time-out, shorter than a maintenance interval

logger = logging.getLogger(__name__)


def celery_id(task_id: UUID, attempt: int) -> str:
    """The Celery id of an attempt; never used twice, because a revoked id never runs again on that worker."""
    return f"{task_id}.{attempt}"


def task_of(celery_id: str) -> UUID:
    """The task that a Celery id was made for."""
    return UUID(celery_id.rpartition(".")[0])


def send_back(request: Any, reason: object) -> bool:
    """Send a message that nobody could make use of again, to the end of its line; False: unsure.

    Args:
        request: Celery's, of the message.
        reason: for the log.

    """
    logger.warning("The message goes back into its queue: %s", reason)
    line = request.delivery_info
    return send(RUN, list(request.args), task_id=request.id, queue=line["routing_key"], priority=line.get("priority"))


def send(name: str, args: list[Any], **options: Any) -> bool:
    """Hand a message to the broker now, within its time-outs; False: unsure."""
    try:
        current_app.send_task(name, args=args, **options)
    except Exception as error:  # noqa: BLE001  (whatever a broker's client raises, nothing here depends on it)
        logger.warning("The broker may not have %s%r; it is published again: %s", name, args, error)
        return False
    return True


def publish(task: Task) -> bool:
    """Hand the task's next attempt to the broker now, within the broker's time-outs; False: unsure."""
    sent = _send(task)
    if sent:
        Task.objects.filter(pk=task.pk).mark_published(attempt=task.attempt)
    return sent


def _send(task: Task) -> bool:
    identity = celery_id(task.pk, task.attempt + 1)
    return send(RUN, [str(task.pk)], task_id=identity, queue=task.queue, priority=task.priority)


def publish_all(tasks: Sequence[Task]) -> int:
    """As `publish`, with one write for all; stops at the first that is unsure. Gives how many were handed over."""
    sent = list(takewhile(_send, tasks))
    _note(sent)
    return len(sent)


def _note(sent: Sequence[Task]) -> None:
    by_attempt: dict[int, list[UUID]] = {}
    for task in sent:
        by_attempt.setdefault(task.attempt, []).append(task.pk)
    for attempt, ids in by_attempt.items():
        Task.objects.filter(pk__in=ids).mark_published(attempt=attempt)


class Outbox:
    """The publishing thread of this process; started by the first task.

    Args:
        clock: gives seconds, for the pause and for tasks that wait.

    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: queue.Queue[Task] = queue.Queue(MOST_WAITING)
        self._lock = threading.Lock()
        self._pid = 0
        self._resumes_s = 0.0

    def put(self, task: Task) -> None:
        """Publish soon. Call it after the commit."""
        try:
            self._waiting.put_nowait(task)
        except queue.Full:
            logger.warning("The outbox is full; task %s is left to maintenance.", task.pk)
        self._start()

    def put_later(self, task: Task, after_s: float) -> None:
        """Publish after so many seconds, if this process still lives by then."""
        timer = threading.Timer(after_s, self.put, (task,))
        timer.daemon = True
        timer.start()

    def _start(self) -> None:
        """One thread, also in a child that was forked since."""
        with self._lock:
            if self._pid != os.getpid():
                self._pid = os.getpid()
                threading.Thread(target=self._run, name="outbox", daemon=True).start()

    def _run(self) -> None:
        while True:
            taken, sent = self._sent()
            try:
                _note(sent)
            except Exception:
                logger.exception("%d tasks are with the broker, unnoted; maintenance publishes them again.", len(sent))
            finally:
                if self._waiting.empty():
                    close_old_connections()
                for _ in range(taken):
                    self._waiting.task_done()

    def _sent(self) -> tuple[int, list[Task]]:
        """Wait for a task, send it and those that follow closely; gives how many came, and which were sent."""
        sent, taken, task = list[Task](), 1, self._waiting.get()
        with suppress(queue.Empty):
            while True:
                if self._send(task):
                    sent.append(task)
                if taken == BATCH:
                    break
                task = self._waiting.get(timeout=NOTED_AFTER_S)
                taken += 1
        return taken, sent

    def _send(self, task: Task) -> bool:
        if self._clock() < self._resumes_s:
            logger.info("The broker was away just now; task %s is left to maintenance.", task.pk)
            return False
        if _send(task):
            return True
        self._resumes_s = self._clock() + PAUSE_S
        return False

    def flush(self) -> None:
        """Wait until all that was put is published or left to maintenance."""
        self._waiting.join()


_outbox = Outbox()
put = _outbox.put
put_later = _outbox.put_later
flush = _outbox.flush
