"""Plain Celery tasks that report: celery-progress's recorder, and a reporter for any of them."""

import math
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from celery import Celery
from celery.exceptions import Retry

from progress_app import connections, recorder
from progress_app.events import Snapshot, State
from progress_app.exceptions import UsageError
from progress_app.recorder import ProgressRecorder, Reporter, task_id

pytestmark = pytest.mark.usefixtures("redis_db")
Run = Callable[..., Snapshot]


@pytest.fixture
def run() -> Iterator[Run]:
    """Run a function as a bound Celery task in this process; the last that was told of it."""
    app = Celery("plain", set_as_current=False)

    def run(function: Callable[..., Any], *args: Any, celery_id: str = "", **options: Any) -> Snapshot:
        named = {"name": f"plain.{function.__name__}", "max_retries": 3, **options}
        decorate: Any = app.task
        task = decorate(bind=True, shared=False, **named)(function)
        celery_id = celery_id or str(uuid4())
        task.apply(args, task_id=celery_id, retries=0, throw=False)
        found = connections.backend().read_snapshot(task_id(celery_id))
        assert found is not None
        return found

    yield run
    app.close()


def test_the_example_of_celery_progress_runs_as_it_is(run: Run) -> None:
    def my_task(self: Any, seconds: int) -> int:
        progress_recorder = ProgressRecorder(self)
        result = 0
        for i in range(seconds):
            result += i
            progress_recorder.set_progress(i + 1, seconds)
        return result

    told = run(my_task, 5)
    assert (told.state, told.percent, told.current, told.total) == (State.SUCCEEDED, 100.0, 5, 5)
    assert told.job == "plain.my_task"


def test_a_recorder_answers_as_celery_progress_does(run: Run) -> None:
    answers = []

    def task(self: Any) -> None:
        answers.append(ProgressRecorder(self).set_progress(1, 3, "one"))
        answers.append(ProgressRecorder(self).set_progress(1, 0))

    run(task)
    meta = {"pending": False, "current": 1, "total": 3, "percent": 33.33, "description": "one"}
    assert answers[0][0] == "PROGRESS"
    assert answers[0][1] == meta
    assert answers[1][1]["percent"] == 0


def test_what_no_bar_can_show_does_not_end_the_task(run: Run) -> None:
    def task(self: Any) -> str:
        progress = ProgressRecorder(self)
        progress.set_progress("many", None)  # type: ignore[arg-type]
        progress.set_progress(math.nan, -4)
        return "done"

    assert run(task).state is State.SUCCEEDED


def test_an_empty_description_leaves_the_last_one(run: Run) -> None:
    def task(self: Any) -> None:
        progress = ProgressRecorder(self)
        progress.set_progress(1, 4, "first")
        progress.increment_progress(2)
        raise ValueError

    told = run(task)
    assert (told.message, told.current, told.total) == ("first", 3, 4)


def test_what_ends_the_task_ends_its_progress_without_telling_what_it_said(run: Run) -> None:
    def task(self: Any) -> None:
        ProgressRecorder(self)
        raise ValueError("the password is hunter2")

    told = run(task)
    assert told.state is State.FAILED
    assert told.error is not None
    assert "hunter2" not in told.to_json().decode()


def test_a_retry_is_no_end(run: Run) -> None:
    def task(self: Any) -> None:
        with Reporter.for_celery(self) as progress:
            progress.update(message="the other side is away")
            raise Retry

    assert run(task).state is State.RETRYING


def test_what_celery_tries_again_by_itself_is_no_end(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    publish, told = connections.backend().publish, []

    def listen(snapshot: Snapshot, *more: Any, **named: Any) -> Any:
        told.append(snapshot.state)
        return publish(snapshot, *more, **named)

    def task(self: Any) -> None:
        with Reporter.for_celery(self):
            if not self.request.retries:
                raise OSError("the other side is away")

    monkeypatch.setattr(connections.backend(), "publish", listen)
    assert run(task, autoretry_for=(OSError,), retry_backoff=0).state is State.SUCCEEDED
    assert State.RETRYING in told
    assert State.FAILED not in told


def test_where_nobody_tells_of_ends_an_exception_is_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def task(self: Any) -> None:
        with pytest.raises(ValueError, match="bad"), Reporter.for_celery(self):
            raise ValueError("bad")
        seen.append(connections.backend().read_snapshot(task_id(self.request.id)))

    monkeypatch.setattr(recorder._running, "hears_of_ends", False)
    run(task)
    assert [told.state for told in seen if told] == [State.FAILED]


def test_a_reporter_has_all_that_a_jobs_reporter_has(run: Run) -> None:
    def task(self: Any) -> None:
        with Reporter.for_celery(self, stages=["Read", "Load"]) as progress, progress.stage("Read", unit="rows"):
            for _ in progress.track([1, 2]):
                progress.log("a row")

    told = run(task)
    assert [stage.name for stage in told.stages] == ["Read", "Load"]
    assert told.percent == 100.0


def test_a_cancel_leaves_the_block_and_not_the_function(run: Run) -> None:
    celery_id, after = str(uuid4()), []

    def task(self: Any) -> None:
        with Reporter.for_celery(self) as progress:
            connections.backend().request_cancel(celery_id, 1.0)
            progress.teller.send()
            progress.raise_if_cancelled()
        after.append("still here")

    assert run(task, celery_id=celery_id).state is State.CANCELLED
    assert after == ["still here"]


def test_both_kinds_in_one_task_are_one_progress(run: Run) -> None:
    def task(self: Any) -> None:
        assert Reporter.for_celery(self) is Reporter.for_celery(self)
        ProgressRecorder(self).set_progress(1, 2)
        Reporter.for_celery(self).log("half")

    assert run(task).state is State.SUCCEEDED


def test_nothing_is_kept_of_a_task_that_ended(run: Run) -> None:
    def task(self: Any) -> None:
        ProgressRecorder(self)

    run(task)
    assert recorder._running._reporters == {}


def test_a_task_that_reports_nothing_has_no_progress() -> None:
    recorder.ended(str(uuid4()), None)


def test_an_id_that_is_no_uuid_is_watched_under_one_made_of_it(run: Run) -> None:
    assert UUID(task_id("nightly-2026-11-24")) == UUID(task_id("nightly-2026-11-24"))

    def task(self: Any) -> None:
        ProgressRecorder(self)

    assert run(task, celery_id="nightly-2026-11-24").state is State.SUCCEEDED


def test_outside_a_running_task_there_is_nothing_to_report_under() -> None:
    with Celery("plain", set_as_current=False) as app:

        def nothing(self: Any) -> None:
            pass

        idle = app.task(bind=True, shared=False, name="plain.idle")(nothing)
        with pytest.raises(UsageError, match="outside a running task"):
            ProgressRecorder(idle)


def test_a_plain_task_keeps_no_files(run: Run) -> None:
    def task(self: Any) -> None:
        with Reporter.for_celery(self) as progress, pytest.raises(UsageError, match="make it a job"):
            progress.attach(BytesIO(), "report.txt")

    assert run(task).state is State.SUCCEEDED
