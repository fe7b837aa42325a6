"""Locks over all processes, held in the database."""

import uuid
from datetime import UTC, datetime

from django.db import models
from django.db.models.functions import Now

from tasks_app.transitions import from_now

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Locks(models.QuerySet["Lock"]):
    """Locks over all processes, by conditional UPDATEs."""

    def take(self, name: str, seconds: float) -> str:
        """Hold the lock for at most so long; gives the name of this holding, "" when somebody else holds it."""
        self.get_or_create(name=name)
        holder = uuid.uuid4().hex
        taken = self.filter(name=name, until__lt=Now()).update(until=from_now(seconds), holder=holder)
        return holder if taken else ""

    def release(self, name: str, holder: str) -> None:
        """Let the next one take it, unless this holding ran out and it has."""
        self.filter(name=name, holder=holder).update(until=LONG_AGO)


class Lock(models.Model):
    """Who holds it until when, by the database's clock."""

    name = models.CharField(max_length=64, primary_key=True)
    until = models.DateTimeField(default=LONG_AGO)
    holder = models.CharField(max_length=32, blank=True)

    objects = Locks.as_manager()

    def __str__(self) -> str:
        return self.name
