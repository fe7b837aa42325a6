"""Redis that takes two seconds for an answer, at a worker: its jobs go on, and their end and log arrive."""

from collections.abc import Callable, Iterator

import pytest

from progress_app import connections
from progress_app.channels import log_channel
from progress_app.events import LogEntry, Snapshot, State
from tasks_app.maintenance import maintain
from tasks_app.models import Task
from tests.integration.conftest import Jobs
from tests.late import Late
from tests.processes import until
from tests.stack import Valkey, Worker

pytestmark = pytest.mark.long

LATE_S = 2.0
LINES = 30
Workers = Callable[..., Worker]


@pytest.fixture
def late(valkey: Valkey) -> Iterator[Late]:
    proxy = Late(valkey.port)
    yield proxy
    proxy.stop()


@pytest.fixture
def worker(workers: Workers, late: Late) -> Worker:
    return workers("late", {"PROGRESS_REDIS_URL": f"redis://127.0.0.1:{late.port}/0"}, concurrency=1)


def shown(task: Task) -> Snapshot:
    return connections.backend().read_snapshot(str(task.pk)) or Snapshot(task=str(task.pk))


def told(task: Task) -> list[str]:
    kept = connections.backend().replay(log_channel(task.pk), None, 1_000)
    return [LogEntry.from_json(entry.data).text for entry in kept]


@pytest.mark.parametrize("when", ["start", "middle", "end"])
def test_the_job_goes_on_its_end_is_told_and_its_log_is_whole(
    worker: Worker, jobs: Jobs, late: Late, when: str
) -> None:
    if when == "start":
        late.delay_s = LATE_S
    task = jobs.begun("talkative", seconds=2)
    if when == "middle":
        until(lambda: told(task), what="what was before")
        late.delay_s = LATE_S
    if when == "end":
        until(lambda: "end" in "".join(jobs.lines()) or len(told(task)) > LINES / 2, what="the end is near")
        late.delay_s = LATE_S
    ended = jobs.ended(task)
    assert (ended.state, ended.attempt) == (State.SUCCEEDED, 1)
    late.delay_s = 0.0
    until(lambda: maintain() and shown(task).state is State.SUCCEEDED, what="the end is told")
    lines = [f"line {number}" for number in range(LINES)]
    assert [entry.text for entry in ended.log_entries()] == lines
    assert told(task) == lines
    assert shown(task).current == LINES
