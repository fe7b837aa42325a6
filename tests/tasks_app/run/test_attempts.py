"""A failure that another attempt may help is tried again, any other is final."""

from typing import Any

import pytest
from django.utils import timezone

from tasks_app import registry
from tasks_app.attempts import past_attempts
from tasks_app.models import Task
from tests.tasks_app.conftest import Broker
from tests.tasks_app.run.running import Catalogue, a_task, raises, run, shown

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_db", "broker")]


def test_a_job_with_attempts_left_is_tried_again_after_a_pause(catalogue: Catalogue, broker: Broker) -> None:
    catalogue(raises(registry.JobError("flaky", "The other side is busy.")), max_attempts=2, backoff_s=8)
    task = run(a_task())
    assert (task.state, task.failures, task.finished_at, task.published_at) == ("retrying", 1, None, None)
    [(waiting, after_s)] = broker.later
    assert (waiting, broker.sent) == (task, [])
    assert 4 <= after_s <= 8
    assert task.next_at is not None
    assert abs((task.next_at - timezone.now()).total_seconds() - after_s) < 4
    told = shown(task).error
    assert told is not None
    assert told.text == "The other side is busy."
    last = Task.objects.get(pk=run(task).pk)
    assert (last.state, last.failures, last.attempt, last.next_at) == ("failed", 2, 2, None)


def test_each_attempt_is_kept_with_its_error(catalogue: Catalogue) -> None:
    def job(progress: Any) -> str:
        task.refresh_from_db()
        if task.attempt < 3:
            raise registry.JobError(f"fault_{task.attempt}", "Busy.")
        return "done"

    catalogue(job, max_attempts=3)
    task = a_task()
    for _ in range(3):
        run(task)
    assert task.state == "succeeded"
    first, second = past_attempts(task)
    assert (first.number, first.ending, first.code, first.text) == (1, "failed", "fault_1", "Busy.")
    assert (second.number, second.code, second.worker) == (2, "fault_2", "worker@test")
    assert first.started_at is not None
    assert first.started_at <= first.ended_at
    assert "JobError" in first.traceback


def test_a_failure_that_another_attempt_cannot_help_is_final(catalogue: Catalogue) -> None:
    catalogue(raises(KeyError("x")), max_attempts=5, retry_on=(ConnectionError, registry.JobError))
    assert run(a_task()).state == "failed"


def test_a_result_that_cannot_be_kept_is_not_tried_again(catalogue: Catalogue) -> None:
    catalogue(lambda _progress: {1, 2}, max_attempts=5)
    assert run(a_task()).state == "failed"
