"""A message that does nothing, sent into a line to learn whether the tasks before it are still there.

A line is a queue and a priority: the broker gives out its messages in the order in which they came. So when a worker
has run the probe, each task that was published before it and is not claimed has lost its message. One probe a line
is under way at a time; as it may be lost itself, another one follows after a while.
"""

from datetime import datetime
from typing import Final

from django.db.models import F, Q
from django.db.models.functions import Now

from tasks_app import outbox
from tasks_app.models import Probe
from tasks_app.transitions import from_now

PROBE: Final = "tasks_app.probe"


def send(queue: str, priority: int, *, again_after_s: float) -> bool:
    """Send a probe into a line, unless one has been under way for less than so many seconds; False: none was sent."""
    Probe.objects.get_or_create(queue=queue, priority=priority)
    row = Probe.objects.filter(queue=queue, priority=priority)
    idle = Q(sent_at=None) | Q(answered__gte=F("sent_at")) | Q(sent_at__lt=from_now(-again_after_s))
    # Dated before it is published: each task that was published by then lies before it in the line.
    if not row.filter(idle).update(sent_at=Now()):
        return False
    sent_at = row.values_list("sent_at", flat=True).get()
    named = [queue, priority, sent_at.isoformat() if sent_at else ""]
    if outbox.send(PROBE, named, queue=queue, priority=priority):
        return True
    row.update(sent_at=None)
    return False


def answer(queue: str, priority: int, sent_at: str) -> None:
    """Note that the probe which was sent at this time has run."""
    moment = datetime.fromisoformat(sent_at)
    row = Probe.objects.filter(Q(answered=None) | Q(answered__lt=moment), queue=queue, priority=priority)
    row.update(answered=moment)


def answered(queue: str, priority: int) -> datetime | None:
    """When the newest probe that has run in a line was sent, None: none has."""
    return Probe.objects.filter(queue=queue, priority=priority).values_list("answered", flat=True).first()


def forget() -> None:
    """The broker lost its data: no probe is under way any more."""
    Probe.objects.update(sent_at=None)
