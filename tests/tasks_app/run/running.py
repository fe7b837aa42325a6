"""A task run in this process, as a worker runs it."""

from collections.abc import Callable
from typing import Any

from progress_app import connections
from progress_app.events import Snapshot
from tasks_app import registry, runner
from tasks_app.models import Task
from tests.factories import TaskFactory

Catalogue = Callable[..., registry.Job]


def run(task: Task) -> Task:
    runner.run(str(task.pk), worker="worker@test")
    task.refresh_from_db()
    return task


def a_task(**fields: Any) -> Task:
    return TaskFactory.create(**{"job": "a_job", "params": {}, **fields})


def shown(task: Task) -> Snapshot:
    found = connections.backend().read_snapshot(str(task.pk))
    assert found is not None
    return found


def raises(error: BaseException) -> Callable[..., None]:
    def job(_progress: Any) -> None:
        raise error

    return job
