"""Publishes a parent's children a few hundred at a time, so that they do not stand before everybody else's tasks."""

from typing import Final
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Now

from tasks_app import conf, outbox
from tasks_app.models import Task
from tasks_app.transitions import WAITING

REFILLS: Final = 2  # a window: it is filled up when half of it has been claimed


def fill(parent_id: UUID) -> int:
    """Publish those among the first waiting children that are not with the broker; gives how many."""
    due = Q(next_at=None) | Q(next_at__lte=Now())
    waiting = Task.objects.filter(due, parent=parent_id, finished_at=None, state__in=WAITING).order_by("number")
    wanted = waiting.only("attempt", "queue", "priority", "published_at")[: conf.get().children_ahead]
    return outbox.publish_all([child for child in wanted if child.published_at is None])


def is_half_empty(child: Task) -> bool:
    """Whether the claim of this child is the time to fill up."""
    return child.number % max(1, conf.get().children_ahead // REFILLS) == 0
