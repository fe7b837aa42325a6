"""A worker that is told to stop, at any moment: nothing is lost, nothing runs twice, no lease is waited for."""

import random
import secrets
from collections import defaultdict
from collections.abc import Callable

import pytest

from progress_app.events import State
from tasks_app.maintenance import maintain
from tasks_app.models import Task
from tests.integration.conftest import Jobs
from tests.processes import until
from tests.stack import Worker

pytestmark = pytest.mark.long

TASKS = 24
STOPS = 3
WITHIN_S = 100.0
LONG_LEASE = {"TASKS_LEASE_S": "600"}  # what would wait for it would come too late


def all_succeeded() -> bool:
    """Let maintenance look, as beat would, and say whether all is done."""
    maintain()
    return set(Task.objects.values_list("state", flat=True)) == {State.SUCCEEDED}


def ran_alone(lines: list[str]) -> bool:
    """Whether between the beginning and the end of each body of a task no other one began."""
    running: dict[str, str] = defaultdict(str)
    for event, attempt, pid, task in (line.split() for line in lines):
        if event == "begin" and running[task]:
            return False
        running[task] = f"{attempt} {pid}" if event == "begin" else ""
    return True


def test_a_worker_that_stops_at_any_moment_loses_nothing_and_waits_for_no_lease(
    workers: Callable[..., Worker], jobs: Jobs
) -> None:
    seed = secrets.randbits(32)
    dice = random.Random(seed)  # noqa: S311  (a moment, not a secret)
    worker = workers("stopped", LONG_LEASE | {"WORKER_SOFT_SHUTDOWN_S": "0.1"}, concurrency=2)
    for _ in range(TASKS):
        jobs.start("steady", seconds=dice.choice([0, 0.05, 0.3]))
    for _ in range(STOPS):
        seen = len(jobs.lines())
        enough = seen + dice.randrange(1, 6)
        until(lambda enough=enough: len(jobs.lines()) >= enough or all_succeeded(), what="some work")  # type: ignore[misc]
        worker.restart()
    until(all_succeeded, within_s=WITHIN_S, what=f"all succeed (seed {seed})")
    assert ran_alone(jobs.lines()), seed
    assert set(Task.objects.values_list("failures", "losses")) == {(0, 0)}, seed
