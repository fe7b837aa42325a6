"""Finds what fell through and puts it right: not published, not owned any more, end not sent.

One round at a time over all processes: a round takes a lock row by a conditional UPDATE.
"""

import logging
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from progress_app.events import State
from tasks_app import conf, outbox, registry
from tasks_app.lifecycle import announce_end
from tasks_app.models import Lock, Task
from tasks_app.transitions import Transitions

ROUND: Final = "maintenance"
LONGEST_ROUND_S: Final = 60.0  # a process that died in its round holds the others up for so long
MOST_A_ROUND: Final = 500

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a round did, in tasks."""

    published: int = 0
    requeued: int = 0
    lost: int = 0
    cancelled: int = 0
    sent: int = 0


def maintain() -> Report | None:
    """Do one round; None: another process is at it."""
    if not Lock.objects.take(ROUND, LONGEST_ROUND_S):
        return None
    try:
        endings = [_recover(task) for task in Task.objects.overdue()[:MOST_A_ROUND]]
        return Report(
            requeued=endings.count(State.QUEUED),
            lost=endings.count(State.LOST),
            cancelled=endings.count(State.CANCELLED),
            published=_publish(),
            sent=_send(),
        )
    finally:
        Lock.objects.release(ROUND)


def _recover(task: Task) -> State | None:
    """Run a task without an owner again if its job allows, else end it; None: its worker was quicker."""
    job = registry.find(task.job)
    row = Task.objects.filter(pk=task.pk).overdue()
    may_run_again = job is not None and job.restartable and task.losses + 1 < conf.get().most_losses
    if task.state == State.RUNNING and may_run_again:
        moved, state = row.hand_back(attempt=task.attempt, losses=task.losses + 1), State.QUEUED
        if moved:
            outbox.publish(Task.objects.get(pk=task.pk))
    else:
        state = State.CANCELLED if task.state == State.CANCELLING else State.LOST
        moved = _end(row, task, state)
    logger.warning("Task %s: the lease of attempt %d ran out on %s: %s.", task.pk, task.attempt, task.worker, state)
    return state if moved else None


def _end(row: Transitions, task: Task, state: State) -> bool:
    lost = state is State.LOST
    moved = row.finish(
        attempt=task.attempt,
        state=state,
        losses=task.losses + 1,
        error_code="worker_lost" if lost else "",
        error_text="Its worker vanished while it ran, and it may not be run again." if lost else "",
    )
    if moved:
        task.refresh_from_db()
        transaction.on_commit(lambda: announce_end(task))
    return moved


def _publish() -> int:
    """Publish what the broker may not have; after one failure the rest waits for the next round."""
    waiting = Task.objects.unpublished(older_than_s=conf.get().republish_after_s)
    published = 0
    for task in waiting.order_by("created_at")[:MOST_A_ROUND]:
        if not outbox.publish(task):
            break
        published += 1
    return published


def _send() -> int:
    """Send the ends that Redis did not take."""
    sent = 0
    for task in Task.objects.filter(end_sent=False)[:MOST_A_ROUND]:
        if not announce_end(task):
            break
        Task.objects.filter(pk=task.pk).update(end_sent=True)
        sent += 1
    return sent
