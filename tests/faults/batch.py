"""Fifty tasks of several kinds, started from this process, some of them while the fault strikes."""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from django.contrib.auth.models import User
from django.db import DatabaseError, close_old_connections

from progress_app.events import State
from tasks_app import lifecycle
from tasks_app.models import Task
from tests.faults.journal import Journal

ENDLESS_FIRST = ["lingers", "lingers"]  # so that they run when they are cancelled
EARLY = {"walks": 24, "walks_once": 3, "stumbles": 3, "stumbles_at_first": 4, "carries": 4}
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
        told_within_s: how long a running body may take to learn that it is cancelled.

    """

    def __init__(self, folder: Path, dice: random.Random, user: User, *, told_within_s: float) -> None:
        self.key = f"{dice.getrandbits(64):x}-{time.time_ns()}"
        self.journal = folder / f"journal-{self.key}"
        self.early: list[str] = []
        self.late: list[str] = []
        self._to_cancel: set[str] = set()
        self._cancelled: dict[str, float] = {}  # whose cancel was accepted, and when, by the monotonic clock
        self._dice, self._user, self._told_within_s = dice, user, told_within_s
        self._kinds = [*ENDLESS_FIRST, *_shuffled(EARLY, dice)]
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
            endless, others = self.early[: len(ENDLESS_FIRST)], self.early[len(ENDLESS_FIRST) :]
            for task in (*endless, *self._dice.sample(others, CANCELLED)):
                self._to_cancel.add(task)
                _insisting(lambda task=task: self._cancel(task))  # type: ignore[misc]
        finally:
            close_old_connections()

    def _start(self, kind: str, number: int) -> str:
        steps = self._dice.choice([1, 3, 5, 10, 40])
        data = {"journal": str(self.journal), "steps": steps}
        key = f"{self.key}-{number}"
        return str(_insisting(lambda: lifecycle.enqueue(kind, user=self._user, data=data, idempotency_key=key)).pk)

    def _cancel(self, task: str) -> None:
        with suppress(lifecycle.Refused):  # it has ended; or a try before this one, whose answer got lost, cancelled it
            lifecycle.cancel(Task.objects.get(pk=task), user=self._user)
            self._cancelled[task] = time.monotonic()

    # Afterwards

    def rows(self) -> list[Task]:
        """The rows, as they are now."""
        return list(Task.objects.filter(pk__in=self.tasks))

    def unfinished(self) -> list[Task]:
        """Those that have not ended."""
        return [task for task in _insisting(self.rows) if not task.is_final]

    def untrue(self, *, full: bool, unaware_until_s: float = 0.0) -> list[str]:
        """The ended tasks whose state is not what happened, and those that are gone.

        Args:
            full: files had no room.
            unaware_until_s: until then, by the monotonic clock, nobody could tell a worker anything.

        """
        done, rows = Journal(self.journal).done(), {str(task.pk): task for task in self.rows()}
        wrong = [
            _told(row)
            for key, row in rows.items()
            if not self._is_true(row, done.get((key, row.attempt)), full, unaware_until_s)
        ]
        return wrong + [task for task in self.tasks if task not in rows]

    def _is_true(self, row: Task, done_at_s: float | None, full: bool, unaware_until_s: float) -> bool:
        if not row.is_final or row.state == State.CANCELLED:
            return not row.is_final or str(row.pk) in self._to_cancel
        if row.job == "carries" and full and row.state == State.FAILED:
            return row.error_code == "storage_full"
        if not self._is_heeded(str(row.pk), done_at_s, unaware_until_s):
            return False
        if row.state == State.LOST:
            return row.job == "walks_once"
        if row.job == "carries" and row.attachments.count() != 1:
            return False
        wanted = State.FAILED if row.job == "stumbles" else State.SUCCEEDED
        return row.state == wanted and done_at_s is not None

    def _is_heeded(self, task: str, done_at_s: float | None, unaware_until_s: float) -> bool:
        """Whether a task may have ended as if nobody had cancelled it: its body was through before it was told."""
        if task not in self._cancelled:
            return True
        told_at_s = max(self._cancelled[task], unaware_until_s) + self._told_within_s
        return done_at_s is not None and done_at_s < told_at_s


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
