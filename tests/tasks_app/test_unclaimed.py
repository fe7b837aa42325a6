"""Messages that were taken and led to nothing: the database was away, or the worker was stopped. They go back."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from tasks_app import outbox, runner, statements, tasks
from tasks_app.maintenance import maintain
from tasks_app.models import Task
from tasks_app.outbox import celery_id
from tests.factories import TaskFactory
from tests.tasks_app.conftest import Broker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_db")]


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """What the database answers to the next claims."""
    faults: list[Exception] = []
    claim = statements.claim

    def claiming(task_id: UUID, **fields: Any) -> Task | None:
        if faults:
            raise faults.pop()
        return claim(task_id, **fields)

    monkeypatch.setattr(statements, "claim", claiming)
    monkeypatch.setattr(runner, "FIRST_PAUSE_S", 0)
    return faults


def message(task: Task) -> Any:
    """Celery's request for it."""
    return SimpleNamespace(
        id=celery_id(task.pk, 1), args=[str(task.pk)], delivery_info={"routing_key": "long", "priority": 3}
    )


def test_a_database_that_is_away_for_a_moment_is_waited_for(broker: Broker, away: list[Exception]) -> None:
    away += [OperationalError("away"), InterfaceError("closed")]
    task = TaskFactory.create()
    runner.run(str(task.pk), worker="w")
    assert Task.objects.get(pk=task.pk).state == "succeeded"


def test_a_claim_that_the_database_does_not_answer_gives_its_message_back(
    broker: Broker, away: list[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "CLAIM_WITHIN_S", 0)
    away += [OperationalError("away")] * 3
    task = TaskFactory.create(queue="long")
    tasks.run.apply(args=(str(task.pk),), task_id=celery_id(task.pk, 1), throw=True)
    [(name, options)] = broker.sent
    assert (name, options["args"], options["task_id"]) == (outbox.RUN, [str(task.pk)], celery_id(task.pk, 1))
    assert Task.objects.get(pk=task.pk).state == "queued"


def test_a_message_goes_back_into_the_line_that_it_came_from(broker: Broker) -> None:
    outbox.send_back(message(TaskFactory.create()), "away")
    assert (broker.sent[0][1]["queue"], broker.sent[0][1]["priority"]) == ("long", 3)


def test_what_a_stopped_worker_took_and_did_not_begin_is_published_by_the_next_round(broker: Broker) -> None:
    times = {"published_at": timezone.now(), "created_at": timezone.now() - timedelta(minutes=1)}
    begun, (taken, waiting) = TaskFactory.create(running=True, **times), TaskFactory.create_batch(2, **times)
    for task in (begun, taken):
        tasks.note_what_was_taken(SimpleNamespace(name=outbox.RUN, id=celery_id(task.pk, 1)))
    tasks.give_up_what_was_taken()
    maintain()
    assert [options["args"] for _, options in broker.sent] == [[str(taken.pk)]]
    assert Task.objects.get(pk=waiting.pk).published_at is not None
