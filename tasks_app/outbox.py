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
import threading
from collections.abc import Sequence
from itertools import takewhile
from typing import Any, Final
from uuid import UUID

from celery import current_app

from progress_app import patience
from tasks_app.errands import Errands
from tasks_app.models import Task

RUN: Final = "tasks_app.run"
BROKER: Final = "the broker"

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
    if patience.is_over(BROKER):
        return False
    try:
        current_app.send_task(name, args=args, **options)
    except Exception as error:  # noqa: BLE001  (whatever a broker's client raises, nothing here depends on it)
        logger.warning("The broker may not have %s%r; it is published again: %s", name, args, error)
        patience.lose(BROKER)
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


class Outbox(Errands):
    """The publishing thread of this process. Arguments as Errands."""

    name = "outbox"
    if_not = "is left to maintenance"

    def put_later(self, task: Task, after_s: float) -> None:
        """Publish after so many seconds, if this process still lives by then."""
        timer = threading.Timer(after_s, self.put, (task,))
        timer.daemon = True
        timer.start()

    def _do(self, task: Task) -> bool:
        return _send(task)

    def _note(self, done: Sequence[Task]) -> None:
        _note(done)


_outbox = Outbox()
put = _outbox.put
put_later = _outbox.put_later
flush = _outbox.flush
