"""Whatever a job raises, and whoever is away meanwhile: the row gets its end."""

import asyncio
import threading
from typing import Any
from uuid import UUID

import pytest
from django.db import DataError, OperationalError

from progress_app import connections
from progress_app.exceptions import BackendUnavailable
from tasks_app import registry, runner, statements
from tests.tasks_app.run.running import Catalogue, a_task, raises, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_db", "broker")]


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
