"""A worker that is stopped at any moment hands its task back, and the next attempt goes on from there."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from progress_app.events import State
from tasks_app import runner
from tasks_app.models import Task
from tests.tasks_app.conftest import Broker, stop
from tests.tasks_app.run.running import Catalogue, a_task, run, shown

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_db", "broker")]


def test_a_worker_that_is_stopped_hands_the_task_back(catalogue: Catalogue, broker: Broker, own_process: None) -> None:
    catalogue(stop)
    task = a_task()
    with pytest.raises(SystemExit):
        run(task)
    task.refresh_from_db()
    assert (task.state, task.attempt, task.failures, task.worker) == ("queued", 1, 0, "")
    assert broker.sent[-1][1]["task_id"] == f"{task.pk}.2"
    assert task.published_at is not None
    assert shown(task).state is State.QUEUED


def test_a_task_that_was_handed_back_goes_on_from_its_checkpoint(catalogue: Catalogue, own_process: None) -> None:
    def job(progress: Any) -> list[Any]:
        if progress.checkpointed is None:
            progress.update(total=100)
            progress.advance(62)
            progress.checkpoint({"row": 62})
            stop()
        return [progress.checkpointed, progress._ledger.snapshot(State.RUNNING, None).percent]

    catalogue(job)
    task = a_task()
    with pytest.raises(SystemExit):
        run(task)
    assert run(task).result == [{"row": 62}, 62.0]
    assert (task.checkpoint, [entry.text for entry in task.log_entries()]) == ("", ["Going on from 62 % (attempt 2)."])


def test_the_log_of_every_attempt_is_kept(catalogue: Catalogue, own_process: None) -> None:
    def count(progress: Any) -> None:
        progress.log(f"attempt {progress.checkpointed or 1}")
        if progress.checkpointed is None:
            progress.checkpoint(2)
            stop()

    catalogue(count)
    task = a_task()
    with pytest.raises(SystemExit):
        run(task)
    task.refresh_from_db()
    assert [entry.text for entry in task.log_entries()] == ["attempt 1"]
    told = [entry.text for entry in run(task).log_entries()]
    assert told == ["attempt 1", "Going on from a checkpoint (attempt 2).", "attempt 2"]


def test_a_checkpoint_is_kept_with_the_lease(catalogue: Catalogue) -> None:
    def job(progress: Any) -> str:
        progress.checkpoint([1])
        progress.checkpoint([1, 2])
        progress.teller.renew()
        return Task.objects.get(pk=task.pk).checkpoint

    catalogue(job)
    task = a_task()
    assert '"data":[1,2]' in str(run(task).result)


def test_a_checkpoint_of_another_version_is_none(catalogue: Catalogue) -> None:
    catalogue(lambda progress: progress.checkpointed)
    assert run(a_task(checkpoint='{"passed": 7}', attempt=1)).result is None


def test_checkpoints_cost_no_write_of_their_own(catalogue: Catalogue) -> None:
    catalogue(lambda progress: [progress.checkpoint(number) for number in range(1_000)] and None)
    task = a_task()
    with CaptureQueriesContext(connection) as queries:
        run(task)
    assert len([query for query in queries if query["sql"].startswith(("UPDATE", "INSERT"))]) == 2


def test_a_job_that_may_not_run_twice_is_lost_instead(catalogue: Catalogue, broker: Broker, own_process: None) -> None:
    catalogue(stop, restartable=False)
    task = a_task()
    with pytest.raises(SystemExit):
        run(task)
    task.refresh_from_db()
    assert (task.state, broker.sent) == ("lost", [])


@pytest.mark.parametrize("restartable", [True, False])
def test_a_task_that_was_to_be_cancelled_is_when_its_worker_is_stopped_first(
    catalogue: Catalogue, broker: Broker, own_process: None, restartable: bool
) -> None:
    def job(_progress: Any) -> None:
        Task.objects.filter(pk=task.pk).request_cancel()
        stop()

    catalogue(job, restartable=restartable)
    task = a_task()
    with pytest.raises(SystemExit):
        run(task)
    task.refresh_from_db()
    assert (task.state, broker.sent) == ("cancelled", [])
    assert shown(task).state is State.CANCELLED


def test_a_worker_stopped_while_it_claims_hands_the_task_back_before_its_job_begins(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch, own_process: None
) -> None:
    ran: list[int] = []
    catalogue(lambda _progress: ran.append(1))
    claimed = runner._claimed
    monkeypatch.setattr(runner, "_claimed", lambda *arguments: (claimed(*arguments), stop())[0])  # type: ignore[func-returns-value]
    task = a_task()
    with pytest.raises(SystemExit):
        run(task)
    task.refresh_from_db()
    assert (task.state, task.attempt, task.lease_until, ran) == ("queued", 1, None, [])


def test_a_worker_stopped_while_it_writes_the_end_writes_it_first(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch, own_process: None
) -> None:
    catalogue(lambda _progress: 7)
    finish = runner.finish

    def stopped(*arguments: Any) -> None:
        stop()
        stop()
        finish(*arguments)

    monkeypatch.setattr(runner, "finish", stopped)
    task = a_task()
    with pytest.raises(SystemExit):
        run(task)
    task.refresh_from_db()
    assert (task.state, task.result) == ("succeeded", 7)
    assert shown(task).state is State.SUCCEEDED


def test_a_second_signal_does_not_interrupt_what_the_job_does_in_its_finally_block(
    catalogue: Catalogue, own_process: None
) -> None:
    cleaned: list[int] = []

    def job(_progress: Any) -> None:
        try:
            stop()
        finally:
            stop()
            cleaned.append(1)

    catalogue(job)
    with pytest.raises(SystemExit):
        run(a_task())
    assert cleaned == [1]
