"""Jobs that do not stop when they are asked to, in real workers."""

from collections.abc import Callable

import pytest

from progress_app import connections
from progress_app.channels import log_channel
from progress_app.events import State
from tasks_app import lifecycle
from tests.integration.conftest import Jobs
from tests.processes import until
from tests.stack import Worker

pytestmark = pytest.mark.long

SHORT = {"TASKS_FINALLY_S": "0.3", "TASKS_RENEW_S": "1", "TASKS_LEASE_S": "3"}


@pytest.fixture
def worker(workers: Callable[..., Worker]) -> Worker:
    return workers("forced", SHORT, concurrency=1)


def test_a_cancel_ends_a_call_that_waits_and_its_finally_block_runs(worker: Worker, jobs: Jobs) -> None:
    task = jobs.begun("deaf")
    lifecycle.cancel(task, user=jobs.staff)
    assert jobs.ended(task).state == State.CANCELLED
    assert [line.split()[0] for line in jobs.lines()] == ["begin", "end"]


def test_a_job_that_swallows_its_cancel_loses_its_process_and_the_next_one_has_another(
    worker: Worker, jobs: Jobs
) -> None:
    task = jobs.begun("stubborn")
    lifecycle.cancel(task, user=jobs.staff)
    assert jobs.ended(task).state == State.CANCELLED
    assert "stubborn_jobs.py" in task.traceback, "staff see where it hung"
    until(lambda: connections.backend().unfinished([str(task.pk)]) == [], what="the end is told")
    assert jobs.ended(jobs.start("steady", seconds=0)).state == State.SUCCEEDED
    begin, next_begin, _ = (line.split() for line in jobs.lines())
    assert begin[2] != next_begin[2]


def test_a_time_limit_is_told_to_the_job(worker: Worker, jobs: Jobs) -> None:
    task = jobs.ended(jobs.start("limited"))
    assert (task.state, task.error_code) == (State.FAILED, "time_limit")
    assert [line.split()[0] for line in jobs.lines()] == ["begin", "end"]


def test_a_job_that_ignores_its_time_limit_loses_its_process(worker: Worker, jobs: Jobs) -> None:
    task = jobs.ended(jobs.start("overlong"))
    assert (task.state, task.error_code, task.failures) == (State.FAILED, "time_limit", 1)
    assert "0.3 s" in task.error_text


def test_where_the_process_is_shared_the_job_is_asked_only_and_its_log_says_so(
    workers: Callable[..., Worker], jobs: Jobs
) -> None:
    workers("threads", SHORT, concurrency=2, pool="threads")
    task = jobs.begun("dozing")
    lifecycle.cancel(task, user=jobs.staff)
    assert jobs.ended(jobs.start("steady", seconds=0)).state == State.SUCCEEDED
    until(lambda: connections.backend().replay(log_channel(task.pk), None, 10), what="a line in its log")
    jobs.wake()
    jobs.ended(task)
    assert "its worker cannot make it" in task.log_entries()[-1].text
