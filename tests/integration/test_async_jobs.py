"""Jobs that are `async def`, in a real worker."""

from collections.abc import Callable

import pytest

from progress_app.events import State
from tasks_app import lifecycle
from tasks_app.models import Task
from tests.integration.conftest import Jobs
from tests.processes import until
from tests.stack import Worker

pytestmark = pytest.mark.long


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
def test_it_is_cancelled_where_it_waits(workers: Callable[..., Worker], jobs: Jobs, pool: str) -> None:
    workers("async", pool=pool)
    task = jobs.begun("drowsy")
    lifecycle.cancel(task, user=jobs.staff)
    assert jobs.ended(task).state == State.CANCELLED
    assert [line.split()[0] for line in jobs.lines()] == ["begin", "end"]


def test_a_worker_that_stops_hands_it_back(workers: Callable[..., Worker], jobs: Jobs) -> None:
    worker = workers("async")
    task = jobs.begun("drowsy")
    worker.service.stop()
    task.refresh_from_db()
    assert (task.state, task.failures) == (State.QUEUED, 0)
    assert [line.split()[0] for line in jobs.lines()] == ["begin", "end"]
    worker.start()
    until(lambda: Task.objects.get(pk=task.pk).attempt == 2, what="the second attempt")
    assert "never retrieved" not in worker.service.text()
