"""Waiting tasks whose message the broker may have lost, found only where there is reason to think so.

1. The publish failed or was unsure.
2. The broker lost its data: its mark is gone.
3. A task that was published much later to the same line (queue and priority) was claimed first.
4. A probe that was published after the task has run. It is sent when the oldest task of a line has waited for long.
5. A worker that stops took the message last, and did not begin the task.

Without a reason nothing is published twice, so that ten thousand tasks that simply wait are not doubled.
"""

import logging
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from tasks_app import conf, epoch, outbox, probe
from tasks_app.models import Task

PUBLISH_FOR_S: Final = 10.0  # of a round: some thousand messages
BATCH: Final = 500

logger = logging.getLogger(__name__)


def doubt(ids: Iterable[UUID]) -> int:
    """Note that the messages of these tasks are gone, of those that still wait; gives how many."""
    return Task.objects.filter(pk__in=list(ids)).doubt()


def look() -> int:
    """Note which waiting tasks are to be published again; gives how many."""
    return _after_data_loss() + sum(_in_line(*line) for line in _long_waiting())


def _after_data_loss() -> int:
    if not epoch.is_lost():
        return 0
    doubted = Task.objects.doubt()
    probe.forget()
    epoch.begin()  # last: whoever dies before has the next round do it all again
    if doubted:
        logger.warning("The broker lost its data: %d waiting tasks are published again.", doubted)
    return doubted


def _long_waiting() -> list[tuple[str, int, datetime]]:
    return Task.objects.lines(waiting_s=conf.get().probe_after_s)


def _in_line(queue: str, priority: int, oldest: datetime) -> int:
    """Doubt the tasks of a line that others have overtaken; send a probe when nothing is known of them."""
    settings = conf.get()
    margin = timedelta(seconds=settings.overtaken_after_s)
    claimed = Task.objects.newest_claimed(queue, priority, since=oldest + margin)
    ran = probe.answered(queue, priority)
    marks = [mark for mark in (claimed and claimed - margin, ran) if mark is not None and mark >= oldest]
    if not marks:
        probe.send(queue, priority, again_after_s=settings.probe_again_s)
        return 0
    doubted = Task.objects.filter(queue=queue, priority=priority, published_at__lte=max(marks)).doubt()
    logger.warning("Line %s %d: later messages came first; %d tasks are published again.", queue, priority, doubted)
    return doubted


def publish() -> int:
    """Publish what the broker may not have, for some seconds; after one failure the rest waits for the next round."""
    waiting = Task.objects.unpublished(older_than_s=conf.get().republish_after_s)
    began_s, published = time.monotonic(), 0
    while batch := waiting[:BATCH]:
        for task in batch:
            if time.monotonic() - began_s > PUBLISH_FOR_S or not outbox.publish(task):
                return published
            published += 1
    return published
