"""The statements of every task: what Django's own way would do, without building them each time."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from progress_app.events import State
from tasks_app import statements
from tasks_app.models import Subscription, Task
from tests.factories import TaskFactory

pytestmark = pytest.mark.django_db

OUTCOME = {"result": {"rows": [1, None, "ü"]}, "error_text": "100 % of 'it'", "percent": 100.0, "pace": {}, "log": []}


def claim(task: Task, *once: str) -> Task | None:
    return statements.claim(task.pk, worker="w@host", lease_s=45.0, once=once)


def values(row: Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_a_row_that_was_inserted_is_what_save_would_have_made(owner: User) -> None:
    task = Task(job="import_csv", owner=owner, params={"text": "100 %", "none": None}, priority=3)
    statements.insert(task)
    kept = Task.objects.get(pk=task.pk)
    assert values(kept) == values(task)
    task.priority = 4
    task.save()
    assert Task.objects.get().priority == 4, "it knows that it is in the database"


def test_a_twin_is_refused(owner: User) -> None:
    task = Task(job="import_csv", owner=owner)
    statements.insert(task)
    with pytest.raises(IntegrityError), transaction.atomic():
        statements.insert(task)


def test_a_claim_gives_the_row_as_it_is_then() -> None:
    task = claim(TaskFactory.create(params={"a": [1]}, restarts=False))
    assert task is not None
    assert values(task) == values(Task.objects.get())
    assert (task.state, task.attempt, task.worker, task.restarts) == (State.RUNNING, 1, "w@host", True)
    assert task.lease_until is not None
    assert abs(task.lease_until - timezone.now() - timedelta(seconds=45)) < timedelta(seconds=10)


@pytest.mark.parametrize("state", [State.RUNNING, State.CANCELLING, State.SUCCEEDED])
def test_what_does_not_wait_is_not_claimed(state: State) -> None:
    ended = {"ended": True} if state is State.SUCCEEDED else {"running": True}
    assert claim(TaskFactory.create(state=state, **ended)) is None


def test_a_task_that_is_gone_is_not_claimed() -> None:
    assert statements.claim(uuid4(), worker="w", lease_s=45.0, once=()) is None


def test_the_row_says_whether_it_is_run_again_if_its_worker_vanishes() -> None:
    again, once = claim(TaskFactory.create(job="a"), "b", "c"), claim(TaskFactory.create(job="b"), "b", "c")
    assert again is not None
    assert once is not None
    assert (again.restarts, once.restarts) == (True, False)


def test_an_sqlite_that_cannot_return_rows_is_asked_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting, ended = TaskFactory.create(), TaskFactory.create(ended=True)
    monkeypatch.setattr(connection.features, "can_return_columns_from_insert", False)
    task = claim(waiting)
    assert task is not None
    assert (task.attempt, claim(ended)) == (1, None)


def test_an_end_is_written_as_it_was_given() -> None:
    task = TaskFactory.create(running=True)
    assert statements.finish(task.pk, attempt=1, state=State.SUCCEEDED, **OUTCOME)
    kept = Task.objects.get()
    assert {name: getattr(kept, name) for name in OUTCOME} == OUTCOME
    assert (kept.state, kept.lease_until) == (State.SUCCEEDED, None)


def test_each_run_gives_its_own_values() -> None:
    first, second = TaskFactory.create_batch(2, running=True)
    statements.finish(first.pk, attempt=1, state=State.FAILED, error_code="one")
    statements.finish(second.pk, attempt=1, state=State.FAILED, error_code="two")
    assert [Task.objects.get(pk=task.pk).error_code for task in (first, second)] == ["one", "two"]


@pytest.mark.parametrize("attempt", [1, 3])
def test_another_attempt_writes_no_end(attempt: int) -> None:
    task = TaskFactory.create(running=True, attempt=2)
    assert not statements.finish(task.pk, attempt=attempt, state=State.SUCCEEDED, **OUTCOME)


def test_who_asked_to_be_told_is_found(owner: User) -> None:
    task, other = TaskFactory.create_batch(2)
    Subscription.objects.create(task=task, user=owner)
    assert (statements.subscribers(task.pk), statements.subscribers(other.pk)) == ([owner.pk], [])


def test_each_is_one_question() -> None:
    task = TaskFactory.create()
    with CaptureQueriesContext(connection) as queries:
        claim(task)
        statements.finish(task.pk, attempt=1, state=State.SUCCEEDED, **OUTCOME)
    assert len(queries) == 2
