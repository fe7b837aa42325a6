"""Fifty tasks of several kinds, started from this process, some of them while the fault strikes."""

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from django.contrib.auth.models import User
from django.db import DatabaseError, close_old_connections

from progress_app.events import State
from tasks_app import lifecycle
from tasks_app.models import Task
from tests.faults.journal import Journal

EARLY = {"walks": 26, "walks_once": 3, "stumbles": 3, "stumbles_at_first": 4, "carries": 4}
LATE = {"walks": 8, "walks_once": 1, "carries": 1}
CANCELLED = 3
LATE_EVERY_S = 0.15
AGAIN_S = 0.1
T = TypeVar("T")


class Batch:
    """The tasks of one round.

    Args:
        folder: where its journal is kept.
        dice: decides the order, the lengths, and which are cancelled.
        user: who starts them.

    """

    def __init__(self, folder: Path, dice: random.Random, user: User) -> None:
        self.key = f"{dice.getrandbits(64):x}-{time.time_ns()}"
        self.journal = folder / f"journal-{self.key}"
        self.early: list[str] = []
        self.late: list[str] = []
        self.cancelled: set[str] = set()
        self._dice, self._user = dice, user
        self._kinds = _shuffled(EARLY, dice)
        self._late_kinds = _shuffled(LATE, dice)

    @property
    def tasks(self) -> list[str]:
        """The ids of all that were accepted."""
        return [*self.early, *self.late]

    def start(self) -> None:
        """Start the first forty."""
        self.early += [self._start(kind, number) for number, kind in enumerate(self._kinds)]

    def go_on(self) -> None:
        """Start the last ten one after the other, and cancel some; in a thread of its own."""
        try:
            for number, kind in enumerate(self._late_kinds, start=len(self._kinds)):
                self.late.append(self._start(kind, number))
                time.sleep(LATE_EVERY_S)
            for task in self._dice.sample(self.early, CANCELLED):
                _insisting(lambda task=task: self._cancel(task))  # type: ignore[misc]
        finally:
            close_old_connections()

    def _start(self, kind: str, number: int) -> str:
        steps = self._dice.choice([1, 3, 5, 10, 40])
        data = {"journal": str(self.journal), "steps": steps}
        key = f"{self.key}-{number}"
        return str(_insisting(lambda: lifecycle.enqueue(kind, user=self._user, data=data, idempotency_key=key)).pk)

    def _cancel(self, task: str) -> None:
        self.cancelled.add(task)
        try:
            lifecycle.cancel(Task.objects.get(pk=task), user=self._user)
        except lifecycle.Refused:
            self.cancelled.discard(task)

    # Afterwards

    def rows(self) -> list[Task]:
        """The rows, as they are now."""
        return list(Task.objects.filter(pk__in=self.tasks))

    def unfinished(self) -> list[Task]:
        """Those that have not ended."""
        return [task for task in _insisting(self.rows) if not task.is_final]

    def untrue(self, *, full: bool) -> list[str]:
        """The ended tasks whose state is not what happened, and those that are gone; `full`: files had no room."""
        done, rows = Journal(self.journal).done(), {str(task.pk): task for task in self.rows()}
        wrong = [_told(row) for row in rows.values() if not self._is_true(row, done, full)]
        return wrong + [task for task in self.tasks if task not in rows]

    def _is_true(self, row: Task, done: set[tuple[str, int]], full: bool) -> bool:
        key = str(row.pk)
        if not row.is_final or (row.state == State.CANCELLED and key in self.cancelled):
            return True
        if row.state == State.LOST:
            return row.job == "walks_once"
        if row.job == "carries" and full and row.state == State.FAILED:
            return row.error_code == "storage_full"
        if row.job == "carries" and row.attachments.count() != 1:
            return False
        wanted = State.FAILED if row.job == "stumbles" else State.SUCCEEDED
        return row.state == wanted and (key, row.attempt) in done


def _told(row: Task) -> str:
    told = (row.pk, row.job, row.state, "attempt", row.attempt, "losses", row.losses, row.error_text)
    return " ".join(map(str, (*told, row.traceback[-300:])))


def _shuffled(kinds: dict[str, int], dice: random.Random) -> list[str]:
    found = [kind for kind, count in kinds.items() for _ in range(count)]
    dice.shuffle(found)
    return found


def _insisting(act: Callable[[], T], within_s: float = 60.0) -> T:
    """Do it, again and again while the database is away: what was refused is not accepted."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            return act()
        except DatabaseError:
            if time.monotonic() > deadline:
                raise
        close_old_connections()
        time.sleep(AGAIN_S)
