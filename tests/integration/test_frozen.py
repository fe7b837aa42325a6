"""A worker that is frozen past its lease and comes back: it changes nothing, and its job stops."""

from collections.abc import Callable

import pytest

from progress_app import connections
from progress_app.events import State
from tasks_app import registry
from tasks_app.maintenance import maintain
from tasks_app.models import Task
from tests.integration.conftest import Jobs
from tests.processes import until
from tests.stack import Worker

pytestmark = pytest.mark.long

SHORT = {"TASKS_LEASE_S": "3", "TASKS_RENEW_S": "1"}


@pytest.fixture
def known_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let maintenance, which runs in this process, know the job too."""
    monkeypatch.setattr(registry, "_jobs", dict(registry._jobs))
    from tests import stubborn_jobs  # noqa: PLC0415  (its jobs are for this test alone)

    registry.job(title="Steady", form=stubborn_jobs.JournalForm)(stubborn_jobs.steady)


def events(jobs: Jobs) -> list[tuple[str, str]]:
    """What happened to which attempt, in its order."""
    return [(line.split()[0], line.split()[1]) for line in jobs.lines()]


def shown_attempt(task: Task) -> int:
    found = connections.backend().read_snapshot(str(task.pk))
    assert found is not None
    return found.attempt


def test_a_worker_that_was_frozen_past_its_lease_stops_its_job_and_changes_nothing(
    workers: Callable[..., Worker], jobs: Jobs, known_here: None
) -> None:
    frozen = workers("frozen", SHORT, concurrency=1)
    task = jobs.begun("steady", seconds=15)
    workers("second", SHORT, concurrency=1)
    with frozen.service.frozen():
        until(lambda: Task.objects.overdue().exists(), what="the lease runs out")
        report = maintain()
        assert report is not None
        assert report.requeued == 1
        until(lambda: ("begin", "2") in events(jobs), what="another worker has it")
    until(lambda: ("end", "1") in events(jobs), what="the old body stops")
    assert events(jobs) == [("begin", "1"), ("begin", "2"), ("end", "1")], "while the new one runs"
    assert (Task.objects.get(pk=task.pk).state, shown_attempt(task)) == (State.RUNNING, 2)
    ended = jobs.ended(task)
    assert (ended.state, ended.attempt, ended.losses) == (State.SUCCEEDED, 2, 1)
