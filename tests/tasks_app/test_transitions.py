"""Conditional UPDATEs: who wins, what an old attempt can still change (nothing), and the database's clock."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from progress_app.events import State
from tasks_app.locks import Lock
from tasks_app.models import Task
from tasks_app.transitions import Transitions
from tests.factories import TaskFactory

pytestmark = pytest.mark.django_db


def row(task: Task) -> Transitions:
    return Task.objects.filter(pk=task.pk)


def test_a_claim_raises_the_attempt_and_takes_a_lease() -> None:
    task = TaskFactory.create()
    assert row(task).claim(worker="w", lease_s=45)
    task.refresh_from_db()
    assert (task.state, task.attempt, task.worker) == (State.RUNNING, 1, "w")
    assert task.started_at is not None
    assert task.lease_until is not None
    assert abs(task.lease_until - timezone.now() - timedelta(seconds=45)) < timedelta(seconds=10)
    assert not row(task).claim(worker="second copy", lease_s=45)


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_that_claim_at_once_one_wins() -> None:
    task = TaskFactory.create()
    start, won = threading.Barrier(8), list[bool]()

    def claim() -> None:
        start.wait()
        won.append(row(task).claim(worker=threading.current_thread().name, lease_s=45))
        connection.close()

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]


def test_an_older_attempt_changes_nothing() -> None:
    task = TaskFactory.create(running=True, attempt=2)
    assert not row(task).renew(attempt=1, state=State.RUNNING, lease_s=45, percent=1.0)
    assert not row(task).finish(attempt=1, state=State.SUCCEEDED)
    assert not row(task).hand_back(attempt=1)
    task.refresh_from_db()
    assert (task.state, task.percent) == (State.RUNNING, None)


def test_an_ended_task_stays_ended() -> None:
    task = TaskFactory.create(ended=True)
    moves = [
        row(task).claim(worker="w", lease_s=1),
        row(task).finish(attempt=1, state=State.FAILED),
        row(task).hand_back(attempt=1),
        row(task).request_cancel(),
        row(task).cancel_waiting(),
        row(task).mark_published(attempt=1),
    ]
    assert not any(moves)


def test_a_hand_back_waits_again_and_keeps_its_attempt() -> None:
    task = TaskFactory.create(running=True, published_at=timezone.now())
    assert row(task).hand_back(attempt=1)
    task.refresh_from_db()
    assert (task.state, task.attempt, task.lease_until, task.published_at) == (State.QUEUED, 1, None, None)


def test_a_task_that_is_to_be_cancelled_is_not_handed_back() -> None:
    assert not row(TaskFactory.create(running=True, state=State.CANCELLING)).hand_back(attempt=1)


def test_a_message_for_an_old_attempt_marks_nothing() -> None:
    task = TaskFactory.create(attempt=1)
    assert not row(task).mark_published(attempt=0)
    assert row(task).mark_published(attempt=1)


def test_a_message_is_noted_also_when_a_worker_was_quicker() -> None:
    task = TaskFactory.create(running=True, published_at=None)
    assert row(task).mark_published(attempt=0)
    assert row(task).get().published_at is not None


def test_a_task_that_was_handed_back_meanwhile_is_not_noted_as_published() -> None:
    task = TaskFactory.create(attempt=1, published_at=None)
    assert not row(task).mark_published(attempt=0)


def test_overdue_are_those_whose_lease_ran_out() -> None:
    gone = TaskFactory.create(overdue=True)
    TaskFactory.create(running=True)
    TaskFactory.create()
    assert list(Task.objects.overdue()) == [gone]


def test_a_lock_is_held_by_one_and_runs_out() -> None:
    first = Lock.objects.take("x", 60)
    assert not Lock.objects.take("x", 60)
    Lock.objects.release("x", first)
    assert Lock.objects.take("x", -1)
    assert Lock.objects.take("x", 60), "the holder died: its time is over"


@pytest.mark.parametrize(
    ("rows", "index"),
    [
        (lambda: Task.objects.bad().filter(finished_at__gte=timezone.now()).order_by(), "task_bad"),
        (lambda: Task.objects.under_way_of(1).order_by("-created_at")[:6], "task_unfinished task_ended"),
        (Task.objects.parked, "task_unfinished task_ended"),
    ],
)
def test_what_is_rare_among_a_million_tasks_is_found_by_an_index(rows: Callable[[], Transitions], index: str) -> None:
    plan = rows().explain()
    # PostgreSQL decides by what it knows of the rows, and here are none.
    assert connection.vendor != "sqlite" or any(name in plan for name in index.split())
