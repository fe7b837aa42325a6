"""A task that was just queued in live lists: told once it is committed, and no fault of Redis is its affair."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from progress_app import connections
from progress_app.events import Snapshot
from progress_app.exceptions import BackendUnavailable
from tasks_app import lifecycle, newcomers
from tasks_app.models import Task
from tasks_app.newcomers import Newcomers
from tests.factories import QUICK, TaskFactory

pytestmark = pytest.mark.django_db(transaction=True)


class Lists:
    """What live lists were told; `away` makes Redis refuse."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, tuple[str, ...]]] = []
        self.away = False
        self.tries = 0

    def announce_row(self, snapshot: Snapshot, *, audience: tuple[str, ...]) -> None:
        self.tries += 1
        if self.away:
            raise BackendUnavailable("away")
        self.rows.append((snapshot.task, audience))


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch) -> Lists:
    double = Lists()
    monkeypatch.setattr(connections, "backend", lambda: double)
    return double


@pytest.fixture
def start(staff: User, inbox: list[Task]) -> Callable[[], Task]:
    return lambda: lifecycle.enqueue("rehearsal", user=staff, data=QUICK)


def test_a_new_task_is_told_to_its_audience(lists: Lists, start: Callable[[], Task], staff: User) -> None:
    task = start()
    newcomers.flush()
    assert lists.rows == [(str(task.pk), (f"user-{staff.pk}",))]


def test_a_task_that_was_rolled_back_is_never_told_of(lists: Lists, start: Callable[[], Task]) -> None:
    with suppress(ZeroDivisionError), transaction.atomic():
        start()
        raise ZeroDivisionError
    newcomers.flush()
    assert lists.tries == 0


def test_redis_that_is_away_is_asked_once_a_while_and_tasks_start_all_the_same(
    lists: Lists, start: Callable[[], Task], inbox: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [100.0]
    monkeypatch.setattr(newcomers, "put", (box := Newcomers(clock=lambda: now_s[0])).put)
    lists.away = True
    tasks = [start() for _ in range(3)]
    box.flush()
    assert (inbox, lists.tries) == (tasks, 1)
    lists.away, now_s[0] = False, 110.0
    box.put(task := TaskFactory.create())
    box.flush()
    assert [told for told, _ in lists.rows] == [str(task.pk)]
