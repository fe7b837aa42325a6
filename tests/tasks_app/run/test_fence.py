"""Whose task it is: a cancel, another attempt and a second message are noticed."""

from typing import Any

import pytest

from progress_app import connections
from progress_app.exceptions import AttemptSuperseded, TaskCancelled
from tasks_app import runner
from tasks_app.models import Task
from tests.tasks_app.run.running import Catalogue, a_task, raises, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_db", "broker")]


def test_a_cancel_that_the_job_agreed_to(catalogue: Catalogue) -> None:
    catalogue(raises(TaskCancelled()))
    task = run(a_task())
    assert (task.state, task.error_code) == ("cancelled", "")


def test_a_cancel_asked_for_while_it_runs_is_heard(catalogue: Catalogue) -> None:
    def job(progress: Any) -> None:
        Task.objects.filter(pk=task.pk).request_cancel()
        connections.backend().request_cancel(str(task.pk), 1.0)
        while True:
            progress.raise_if_cancelled()

    catalogue(job)
    task = a_task()
    assert run(task).state == "cancelled"


def test_an_attempt_that_was_superseded_writes_nothing(catalogue: Catalogue) -> None:
    catalogue(raises(AttemptSuperseded()))
    task = run(a_task())
    assert (task.state, task.attempt, task.finished_at) == ("running", 1, None)


def test_a_second_copy_of_the_message_does_nothing(catalogue: Catalogue) -> None:
    ran: list[int] = []
    catalogue(lambda _progress: ran.append(1))
    task = run(a_task())
    run(task)
    assert ran == [1]
    assert task.attempt == 1


def test_an_unknown_task_does_nothing() -> None:
    runner.run("6f0c1111-2222-3333-4444-555566667777", worker="w")
