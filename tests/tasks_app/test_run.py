"""Running a task: what becomes of every way in which a job can end, and in which order it is written and told."""

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django import forms
from django.db import DataError, OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from progress_app import connections
from progress_app.events import Snapshot, State
from progress_app.exceptions import AttemptSuperseded, BackendUnavailable, TaskCancelled
from tasks_app import registry, runner, statements
from tasks_app.attempts import past_attempts
from tasks_app.host import TaskHost
from tasks_app.models import Task
from tests.factories import TaskFactory
from tests.tasks_app.conftest import Broker, stop

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_db", "broker")]
Catalogue = Callable[..., registry.Job]


class Numbered(forms.Form):
    number = forms.IntegerField()


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


def test_success_keeps_the_result_the_log_and_the_last_snapshot(catalogue: Catalogue) -> None:
    def job(progress: Any, *, number: int) -> dict[str, int]:
        progress.update(message="half-way")
        progress.log("careful", level="warning")
        return {"twice": number * 2}

    catalogue(job, form=Numbered)
    task = run(a_task(params={"number": "21"}))
    assert (task.state, task.result, task.percent, task.message) == ("succeeded", {"twice": 42}, 100.0, "half-way")
    assert (task.attempt, task.failures, task.lease_until, task.end_sent) == (1, 0, None, True)
    assert [(entry.level, entry.text) for entry in task.log_entries()] == [("warning", "careful")]
    assert (shown(task).state, shown(task).percent) == (State.SUCCEEDED, 100.0)


def test_the_row_is_written_before_the_end_is_told(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue(lambda _progress: None)
    task, publish = a_task(), connections.backend().publish
    seen: list[str] = []

    def watch(snapshot: Snapshot, *more: Any, **named: Any) -> Any:
        if snapshot.is_final:
            seen.append(Task.objects.get(pk=task.pk).state)
        return publish(snapshot, *more, **named)

    monkeypatch.setattr(connections.backend(), "publish", watch)
    run(task)
    assert seen == ["succeeded"]


def test_a_reason_that_a_job_gives_is_shown(catalogue: Catalogue) -> None:
    catalogue(raises(registry.JobError("not_a_csv", "The file is a picture.")))
    task = run(a_task())
    assert (task.state, task.error_code, task.error_text) == ("failed", "not_a_csv", "The file is a picture.")
    told = shown(task).error
    assert told is not None
    assert told.text == "The file is a picture."


def test_what_an_exception_says_is_for_staff_alone(catalogue: Catalogue) -> None:
    catalogue(raises(RuntimeError("password=hunter2")))
    task = run(a_task())
    assert (task.state, task.error_code, task.failures) == ("failed", "unexpected", 1)
    assert "hunter2" not in task.error_text + shown(task).to_json().decode()
    assert "RuntimeError: password=hunter2" in task.traceback


@pytest.mark.parametrize(
    ("result", "code"),
    [
        ({1, 2}, "result_not_json"),
        (float("nan"), "result_not_json"),
        ({"a": "b\0"}, "result_not_json"),
        ("\ud800", "result_not_json"),
        ("x" * 50_000_000, "result_too_large"),
    ],
    ids=lambda value: str(value)[:12].encode("ascii", "backslashreplace").decode(),
)
def test_a_result_that_cannot_be_kept_is_a_failure_with_a_reason(catalogue: Catalogue, result: Any, code: str) -> None:
    catalogue(lambda _progress: result)
    task = run(a_task())
    assert (task.state, task.error_code, task.result) == ("failed", code, None)


def test_parameters_that_no_longer_fit_are_named(catalogue: Catalogue) -> None:
    catalogue(lambda _progress, number: number, form=Numbered)
    task = run(a_task(params={}))
    assert (task.state, task.error_code) == ("failed", "bad_parameters")
    assert "number" in task.error_text


def test_a_job_that_is_gone_from_the_code_fails_by_name() -> None:
    task = run(a_task(job="gone"))
    assert (task.state, task.error_code) == ("failed", "unknown_job")


def test_a_cancel_that_the_job_agreed_to(catalogue: Catalogue) -> None:
    catalogue(raises(TaskCancelled()))
    task = run(a_task())
    assert (task.state, task.error_code) == ("cancelled", "")


def test_a_cancel_asked_for_while_it_runs_is_heard(catalogue: Catalogue) -> None:
    def job(progress: Any) -> None:
        Task.objects.filter(pk=task.pk).request_cancel()
        connections.backend().request_cancel(str(task.pk), 1.0)
        while True:
            progress.raise_if_cancelled()

    catalogue(job)
    task = a_task()
    assert run(task).state == "cancelled"


def test_an_attempt_that_was_superseded_writes_nothing(catalogue: Catalogue) -> None:
    catalogue(raises(AttemptSuperseded()))
    task = run(a_task())
    assert (task.state, task.attempt, task.finished_at) == ("running", 1, None)


def test_a_second_copy_of_the_message_does_nothing(catalogue: Catalogue) -> None:
    ran: list[int] = []
    catalogue(lambda _progress: ran.append(1))
    task = run(a_task())
    run(task)
    assert ran == [1]
    assert task.attempt == 1


def test_an_unknown_task_does_nothing() -> None:
    runner.run("6f0c1111-2222-3333-4444-555566667777", worker="w")


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


def test_a_job_that_calls_exit_has_failed_and_is_not_run_for_ever(catalogue: Catalogue) -> None:
    catalogue(raises(SystemExit(3)))
    task = run(a_task())
    assert (task.state, task.error_code) == ("failed", "unexpected")
    assert "sys.exit()" in task.traceback


@pytest.mark.parametrize("error", [KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError()])
def test_whatever_a_job_raises_the_row_gets_its_end(catalogue: Catalogue, error: BaseException) -> None:
    catalogue(raises(error))
    assert run(a_task()).state == "failed"


def test_an_exception_that_can_neither_be_pickled_nor_told_is_a_failure(catalogue: Catalogue) -> None:
    class Odd(Exception):
        def __init__(self) -> None:
            self.lock = threading.Lock()

        def __str__(self) -> str:
            raise ValueError("no words")

    catalogue(raises(Odd()))
    task = run(a_task())
    assert (task.state, task.error_code) == ("failed", "unexpected")


def test_a_reason_that_no_database_takes_is_told_as_far_as_it_can_be(catalogue: Catalogue) -> None:
    catalogue(raises(registry.JobError("c" * 100, "a\0b \ud800")))
    task = run(a_task())
    assert (task.state, task.error_code, task.error_text) == ("failed", "c" * 64, "ab ?")


def test_a_database_that_refuses_the_end_gets_another_one(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue(lambda _progress: 7)
    finish = statements.finish

    def picky(task_id: UUID, **fields: Any) -> bool:
        if fields["result"] == 7:
            raise DataError("no sevens")
        return finish(task_id, **fields)

    monkeypatch.setattr(statements, "finish", picky)
    task = run(a_task())
    assert (task.state, task.error_code) == ("failed", "not_kept")


def test_a_job_that_runs_over_its_time_has_failed_for_that(catalogue: Catalogue) -> None:
    def job(progress: Any) -> None:
        while True:
            progress.advance()

    catalogue(job, time_limit_s=0.05, max_attempts=3)
    task = run(a_task())
    assert (task.state, task.error_code) == ("failed", "time_limit")
    assert "0.05 s" in task.error_text


def test_a_job_with_attempts_left_is_tried_again_after_a_pause(catalogue: Catalogue, broker: Broker) -> None:
    catalogue(raises(registry.JobError("flaky", "The other side is busy.")), max_attempts=2, backoff_s=8)
    task = run(a_task())
    assert (task.state, task.failures, task.finished_at, task.published_at) == ("retrying", 1, None, None)
    [(waiting, after_s)] = broker.later
    assert (waiting, broker.sent) == (task, [])
    assert 4 <= after_s <= 8
    assert task.next_at is not None
    assert abs((task.next_at - timezone.now()).total_seconds() - after_s) < 2
    told = shown(task).error
    assert told is not None
    assert told.text == "The other side is busy."
    last = Task.objects.get(pk=run(task).pk)
    assert (last.state, last.failures, last.attempt, last.next_at) == ("failed", 2, 2, None)


def test_each_attempt_is_kept_with_its_error(catalogue: Catalogue) -> None:
    def job(progress: Any) -> str:
        task.refresh_from_db()
        if task.attempt < 3:
            raise registry.JobError(f"fault_{task.attempt}", "Busy.")
        return "done"

    catalogue(job, max_attempts=3)
    task = a_task()
    for _ in range(3):
        run(task)
    assert task.state == "succeeded"
    first, second = past_attempts(task)
    assert (first.number, first.ending, first.code, first.text) == (1, "failed", "fault_1", "Busy.")
    assert (second.number, second.code, second.worker) == (2, "fault_2", "worker@test")
    assert first.started_at is not None
    assert first.started_at <= first.ended_at
    assert "JobError" in first.traceback


def test_a_failure_that_another_attempt_cannot_help_is_final(catalogue: Catalogue) -> None:
    catalogue(raises(KeyError("x")), max_attempts=5, retry_on=(ConnectionError, registry.JobError))
    assert run(a_task()).state == "failed"


def test_a_result_that_cannot_be_kept_is_not_tried_again(catalogue: Catalogue) -> None:
    catalogue(lambda _progress: {1, 2}, max_attempts=5)
    assert run(a_task()).state == "failed"


def test_redis_away_all_the_time_changes_nothing_but_the_telling(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: Any, **_named: Any) -> None:
        raise BackendUnavailable("away")

    monkeypatch.setattr(connections.backend(), "publish", away)
    catalogue(lambda progress: sum(progress.track([1, 2, 3])))
    task = run(a_task())
    assert (task.state, task.result, task.end_sent) == ("succeeded", 6, False)


def test_a_database_that_is_away_for_a_moment_gets_the_end(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue(lambda _progress: None)
    monkeypatch.setattr(runner, "FIRST_PAUSE_S", 0)
    finish, faults = statements.finish, [OperationalError("away"), OperationalError("away")]

    def flaky(task_id: UUID, **fields: Any) -> bool:
        if faults:
            raise faults.pop()
        return finish(task_id, **fields)

    monkeypatch.setattr(statements, "finish", flaky)
    assert run(a_task()).state == "succeeded"
    assert not faults


def test_a_run_writes_the_row_twice(catalogue: Catalogue) -> None:
    catalogue(lambda _progress: None)
    task = a_task()
    with CaptureQueriesContext(connection) as queries:
        run(task)
    writes = [query["sql"] for query in queries if query["sql"].startswith(("UPDATE", "INSERT"))]
    assert len(writes) == 2, "with the insert and the note that it was published: four"


def test_files_that_a_job_attaches_are_kept(catalogue: Catalogue, tmp_path: Any) -> None:
    path = tmp_path / "made.json"
    path.write_text(json.dumps({"a": 1}))
    catalogue(lambda progress: progress.attach(path, "figures.json"))
    [kept] = run(a_task()).attachments.all()
    assert (kept.name, kept.content_type, kept.size) == ("figures.json", "application/json", 8)
    with kept.file.open("rb") as stored:
        assert json.load(stored) == {"a": 1}


def test_a_run_that_succeeded_is_a_forecast_for_the_next(catalogue: Catalogue) -> None:
    def job(progress: Any) -> None:
        for _ in progress.track(range(3)):
            progress.raise_if_cancelled()

    catalogue(job)
    task = run(a_task())
    run(a_task(job="gone"))
    later = a_task()
    assert list(task.pace) == [""]
    assert TaskHost(later, lease_s=45).earlier() == [task.pace]
