"""Celery tasks that the project's own code starts, in real workers of every pool."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from progress_app import connections
from progress_app.events import Snapshot, State
from tasks_app import lifecycle, maintenance
from tasks_app.models import Task
from tests.foreign_tasks import flaky_import, nightly_import, old_import, silent_import
from tests.processes import until
from tests.stack import Worker

pytestmark = pytest.mark.long

SHORT = {"TASKS_RENEW_S": "1", "TASKS_LEASE_S": "3"}
Workers = Callable[..., Worker]


def row(celery_id: str) -> Task:
    return Task.objects.get(celery_id=celery_id)


def shown(task_id: str) -> Snapshot:
    return connections.backend().read_snapshot(task_id) or Snapshot(task=task_id)


def in_state(celery_id: str, state: State) -> Task:
    until(lambda: row(celery_id).state == state, what=f"{celery_id} {state}")
    return row(celery_id)


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
def test_in_each_pool_they_run_are_tried_again_are_cancelled_and_report(
    workers: Workers, owner: User, staff: User, tmp_path: Path, pool: str
) -> None:
    cancelled = nightly_import.apply_async((5, str(tmp_path / "never"))).id
    counted = nightly_import.apply_async((5,), headers={"headway_owner": str(owner.pk)}).id
    tried_again, rowless = flaky_import.apply_async((1,)).id, old_import.apply_async((100,)).id
    assert (row(counted).state, row(counted).owner) == (State.QUEUED, owner)
    worker = workers("foreign", pool=pool, concurrency=1)

    lifecycle.cancel(in_state(cancelled, State.RUNNING), user=staff)
    in_state(cancelled, State.CANCELLED)
    task = in_state(counted, State.SUCCEEDED)
    assert (task.result, task.attempt, task.worker) == ({"rows": 5}, 1, worker.node)
    task = in_state(tried_again, State.SUCCEEDED)
    assert (task.result, task.attempt) == ("done", 2)
    until(lambda: shown(rowless).state is State.SUCCEEDED, what="the end of the one without a row")
    assert (shown(rowless).percent, shown(rowless).message) == (100.0, "loading")
    assert Task.objects.count() == 3


def test_one_that_never_reports_holds_its_lease(workers: Workers, tmp_path: Path) -> None:
    workers("foreign", SHORT)
    celery_id = silent_import.apply_async((str(tmp_path / "go"),)).id
    leased_until = in_state(celery_id, State.RUNNING).lease_until
    until(lambda: row(celery_id).lease_until != leased_until, what="a renewal")
    (tmp_path / "go").touch()
    in_state(celery_id, State.SUCCEEDED)


def test_one_whose_worker_was_killed_is_lost(workers: Workers, tmp_path: Path) -> None:
    worker = workers("foreign", SHORT)
    celery_id = silent_import.apply_async((str(tmp_path / "never"),)).id
    in_state(celery_id, State.RUNNING)
    worker.service.kill()
    until(lambda: maintenance.maintain() and row(celery_id).state == State.LOST, what="lost")


def test_one_whose_worker_stops_is_lost_at_once(workers: Workers, tmp_path: Path) -> None:
    worker = workers("foreign")
    celery_id = nightly_import.apply_async((5, str(tmp_path / "never"))).id
    in_state(celery_id, State.RUNNING)
    worker.service.stop(signal.SIGTERM)
    assert row(celery_id).state == State.LOST
