"""A round of maintenance: what fell through is put right, by one process at a time."""

import socket
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone

from progress_app import connections
from progress_app.backends import redis
from progress_app.events import LogEntry, Snapshot, State
from progress_app.exceptions import BackendUnavailable
from tasks_app import runner
from tasks_app.attempts import past_attempts
from tasks_app.locks import Lock
from tasks_app.maintenance import Report, maintain
from tasks_app.models import Task
from tasks_app.recovery import recover
from tests.factories import TaskFactory
from tests.tasks_app.conftest import Broker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_db")]


def long_ago() -> Any:
    return timezone.now() - timedelta(minutes=5)


def state_of(task: Task) -> str:
    task.refresh_from_db()
    return str(task.state)


def shown(task: Task) -> State:
    found = connections.backend().read_snapshot(str(task.pk))
    assert found is not None
    return found.state


def test_a_quiet_round_does_nothing(broker: Broker) -> None:
    TaskFactory.create(running=True)
    TaskFactory.create(ended=True)
    TaskFactory.create()
    report = maintain()
    assert report is not None
    assert report == Report()


def test_what_the_broker_may_not_have_is_published_again(broker: Broker) -> None:
    task = TaskFactory.create(created_at=long_ago())
    TaskFactory.create(created_at=long_ago(), published_at=timezone.now())
    report = maintain()
    assert report is not None
    assert report.published == 1
    assert [options["task_id"] for _, options in broker.sent] == [f"{task.pk}.1"]


def test_a_broker_that_is_away_is_asked_once_a_round(broker: Broker) -> None:
    broker.away = True
    TaskFactory.create_batch(3, created_at=long_ago())
    report = maintain()
    assert report is not None
    assert report.published == 0
    assert Task.objects.filter(published_at=None).count() == 3


def test_a_task_without_a_worker_runs_again_and_is_published_in_the_same_round(broker: Broker) -> None:
    task = TaskFactory.create(overdue=True)
    maintain()
    assert state_of(task) == "queued"
    assert (task.losses, task.failures) == (1, 0)
    assert broker.sent[-1][1]["task_id"] == f"{task.pk}.2"


def test_a_job_that_may_not_run_twice_is_lost_and_told(broker: Broker) -> None:
    task = TaskFactory.create(overdue=True, restarts=False)
    maintain()
    assert (state_of(task), task.error_code) == ("lost", "worker_lost")
    assert shown(task) is State.LOST


@pytest.mark.parametrize(("options", "restarts"), [({}, True), ({"retry_on_lost": False}, False)])
def test_the_claim_keeps_whether_the_job_runs_again(
    broker: Broker, catalogue: Any, options: dict[str, bool], restarts: bool
) -> None:
    catalogue(lambda _progress: None, **options)
    task = TaskFactory.create(job="a_job", params={})
    runner.run(str(task.pk), worker="w")
    task.refresh_from_db()
    assert task.restarts is restarts


def test_maintenance_of_another_version_does_not_lose_the_tasks_of_jobs_that_it_does_not_know(broker: Broker) -> None:
    task = TaskFactory.create(overdue=True, job="job_of_the_next_version")
    maintain()
    assert (state_of(task), task.losses) == ("queued", 1)


def test_a_lost_attempt_is_kept(broker: Broker) -> None:
    task = TaskFactory.create(overdue=True)
    maintain()
    state_of(task)
    [lost] = past_attempts(task)
    assert (lost.number, lost.ending, lost.worker, lost.started_at) == (1, "lost", "gone@test", None)


@pytest.mark.parametrize("restarts", [True, False])
def test_what_a_lost_attempt_had_logged_is_kept_with_the_task(broker: Broker, restarts: bool) -> None:
    task = TaskFactory.create(overdue=True, restarts=restarts)
    line = LogEntry(task=str(task.pk), text="the last words", ts=5.0)
    connections.backend().publish(Snapshot(task=str(task.pk), attempt=1, state=State.RUNNING, ts=5.0), [line])
    maintain()
    state_of(task)
    assert task.log_entries() == [line]


def test_a_worker_that_renewed_meanwhile_keeps_its_task(broker: Broker) -> None:
    task = TaskFactory.create(overdue=True)
    assert Task.objects.filter(pk=task.pk).renew(attempt=1, state=State.RUNNING, lease_s=45)
    assert recover(task) is None
    assert (state_of(task), task.attempt) == ("running", 1)


def test_an_attempt_that_ran_over_its_limit_has_failed_for_that(broker: Broker, catalogue: Any) -> None:
    catalogue(lambda _progress: None, time_limit_s=60)
    noted = Snapshot(task="x", attempt=1, state=State.RUNNING, started_at=1000.0, ts=1061.0)
    task = TaskFactory.create(overdue=True, job="a_job", snapshot=noted.to_json().decode())
    maintain()
    assert (state_of(task), task.error_code) == ("failed", "time_limit")


def test_a_task_that_kills_its_workers_is_given_up(broker: Broker) -> None:
    task = TaskFactory.create(overdue=True, losses=2)
    maintain()
    assert (state_of(task), task.losses) == ("lost", 3)


def test_a_cancel_whose_worker_vanished_is_done(broker: Broker) -> None:
    task = TaskFactory.create(overdue=True, state=State.CANCELLING)
    maintain()
    assert state_of(task) == "cancelled"
    assert shown(task) is State.CANCELLED


def test_an_end_that_redis_did_not_take_is_sent(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    task = TaskFactory.create(ended=True, end_sent=False)
    with monkeypatch.context() as patch:
        patch.setattr(connections.backend(), "publish", _away)
        maintain()
        assert not Task.objects.get(pk=task.pk).end_sent
    maintain()
    assert Task.objects.get(pk=task.pk).end_sent
    assert shown(task) is State.SUCCEEDED


def _away(*_args: Any, **_named: Any) -> None:
    raise BackendUnavailable("away")


def test_a_redis_that_hangs_costs_a_round_one_timeout(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis, "TIMEOUT_S", 0.05)
    lost = TaskFactory.create_batch(5, overdue=True, restarts=False)
    again = TaskFactory.create_batch(5, overdue=True)
    TaskFactory.create_batch(5, ended=True, end_sent=False)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it takes every connection and never answers
        with override_settings(PROGRESS_REDIS_URL=f"redis://127.0.0.1:{silent.getsockname()[1]}/0"):
            maintain()
        assert _connections(silent) == 1
    assert {state_of(task) for task in lost} == {"lost"}
    assert {state_of(task) for task in again} == {"queued"}
    report = maintain()
    assert report is not None
    assert report.sent == 10, "what could not be told then is told now"


def _connections(server: socket.socket) -> int:
    server.setblocking(False)
    count = 0
    with suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
            count += 1
    return count


def test_a_broker_that_is_away_is_asked_once_a_round_by_families_and_lines_too(broker: Broker) -> None:
    for _ in range(3):
        parent = TaskFactory.create(running=True, lease_until=None, has_children=True)
        TaskFactory.create(parent=parent)
    for queue in ("one", "two"):
        TaskFactory.create(queue=queue, created_at=long_ago(), published_at=long_ago())
    TaskFactory.create(created_at=long_ago())
    broker.away = True
    maintain()
    assert broker.tries == 1
    broker.away = False
    maintain()
    assert len(broker.sent) == 6


def test_two_rounds_at_once_are_one(broker: Broker) -> None:
    holder = Lock.objects.take("maintenance", 60)
    assert maintain() is None
    Lock.objects.release("maintenance", "another")
    assert maintain() is None
    Lock.objects.release("maintenance", holder)
    assert maintain() is not None
    assert maintain() is not None, "a round gives its lock back"
