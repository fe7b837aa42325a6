"""What dies is named, and the task still reaches its true end: own worker, server and Valkey for each test."""

import json
import signal
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User

from progress_app.events import State
from tasks_app.maintenance import maintain
from tasks_app.models import Task
from tests.integration.conftest import Person
from tests.processes import until
from tests.stack import Stack


@pytest.fixture
def ops(staff: User, stack: Stack) -> Iterator[Person]:
    person = Person(stack.url, staff)
    yield person
    person.http.close()


def row(task: str) -> Task:
    return Task.objects.get(pk=task)


def test_redis_killed_while_a_job_runs_costs_neither_the_job_nor_the_viewer(ops: Person, stack: Stack) -> None:
    task = ops.start(seconds=4, steps=40)
    with ops.events(f"task-{task}") as events:
        until(lambda: row(task).state == State.RUNNING, what="running")
        events.until("progress")
        stack.valkey.service.kill()
        stack.valkey.start()
        end = json.loads(events.until("complete")["data"])
    assert (end["state"], end["percent"]) == ("succeeded", 100.0)
    until(lambda: row(task).state == State.SUCCEEDED, what="succeeded")


def test_a_worker_that_is_stopped_hands_its_job_back_and_the_next_one_finishes_it(ops: Person, stack: Stack) -> None:
    task = ops.start(seconds=6, steps=60)
    until(lambda: row(task).state == State.RUNNING, what="running")
    with ops.events(f"task-{task}") as events:
        events.until("progress")
        stack.worker.restart()
        end = json.loads(events.until("complete")["data"])
    assert end["state"] == "succeeded"
    done = row(task)
    assert (done.state, done.attempt, done.failures, done.losses) == (State.SUCCEEDED, 2, 0, 0)


def test_a_worker_that_is_killed_loses_its_lease_and_the_task_runs_again(ops: Person, stack: Stack) -> None:
    task = ops.start(seconds=2, steps=20)
    until(lambda: row(task).state == State.RUNNING, what="running")
    stack.worker.service.kill()
    assert row(task).state == State.RUNNING
    lease_ran_out(task)
    stack.worker.start()
    report = maintain()
    assert report is not None
    assert report.requeued == 1
    until(lambda: row(task).state == State.SUCCEEDED, what="succeeded")
    assert (row(task).attempt, row(task).losses) == (2, 1)


def test_a_cancel_outlives_the_worker_the_server_and_redis(ops: Person, stack: Stack) -> None:
    task = ops.start(seconds=60, steps=600)
    until(lambda: row(task).state == State.RUNNING, what="running")
    stack.worker.service.kill()
    ops.post(f"/tasks/{task}/cancel/", {})
    assert row(task).state == State.CANCELLING
    stack.web.restart()
    stack.valkey.lose_everything()
    stack.worker.start()
    lease_ran_out(task)
    maintain()
    assert (row(task).state, row(task).attempt) == (State.CANCELLED, 1)
    assert ops.http.get(f"/tasks/{task}/snapshot/").json()["state"] == "cancelled"


def lease_ran_out(task: str) -> None:
    """Move the lease into the past, as 45 s would."""
    from django.db.models.functions import Now  # noqa: PLC0415

    Task.objects.filter(pk=task).update(lease_until=Now())
    until(lambda: Task.objects.filter(pk=task).overdue().exists(), what="overdue")


def test_a_server_that_stops_ends_its_streams_with_a_time_to_come_back(ops: Person, stack: Stack) -> None:
    task = ops.start(seconds=30, steps=300)
    with ops.events(f"task-{task}") as events:
        events.until("stream-open")
        stack.web.service.send(signal.SIGTERM)
        list(events)
    assert "retry" in events.seen[-1]
    until(lambda: not stack.web.service.is_running, what="the server's end")
    ops_again(ops, stack, task)


def ops_again(ops: Person, stack: Stack, task: str) -> None:
    stack.web.start()
    with ops.events(f"task-{task}") as events:
        assert json.loads(events.until("progress")["data"])["state"] in ("queued", "running")
    ops.post(f"/tasks/{task}/cancel/", {})
    until(lambda: row(task).is_final, what="the end")
