"""Celery tasks that the project's own code starts: their rows, owners, attempts and ends."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from celery import Celery
from celery.exceptions import Ignore, Retry
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from progress_app import connections
from progress_app.events import State
from progress_app.recorder import Reporter
from tasks_app import lifecycle, maintenance, recovery, tracking
from tasks_app.models import Task
from tasks_app.tracking import track_celery
from tests import foreign_tasks
from tests.factories import TaskFactory
from tests.tasks_app.conftest import Broker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_db")]
Run = Callable[..., Task]
NAME = "tests.foreign_tasks.nightly_import"


@pytest.fixture
def run() -> Iterator[Run]:
    """Run a function as a tracked Celery task in this process; its row."""
    app = Celery("foreign", set_as_current=False)

    def run(function: Callable[..., Any], *args: Any, celery_id: str = "", **options: Any) -> Task:
        tracked = track_celery("A task", **options)(function)
        task = app.task(bind=True, shared=False, max_retries=3, name=f"foreign.{function.__name__}")(tracked)
        celery_id = celery_id or str(uuid4())
        task.apply(args, task_id=celery_id, throw=False)
        return Task.objects.get(celery_id=celery_id)

    yield run
    app.close()


def sent(*args: Any, celery_id: str = "", **headers: Any) -> Task:
    """The row that is made of a message."""
    celery_id = celery_id or str(uuid4())
    tracking.sent(NAME, {"id": celery_id, "retries": 0, **headers}, (args, {}, {}))
    return Task.objects.get(celery_id=celery_id)


def test_a_message_that_was_sent_has_a_row_that_waits() -> None:
    task = sent(5)
    assert (task.state, task.title, task.owner, task.job) == (State.QUEUED, "Nightly import", None, NAME)


def test_the_owner_comes_by_the_header_or_by_a_function_of_the_arguments(owner: User, colleague: User) -> None:
    assert sent(5, headway_owner=owner.pk).owner == owner
    assert sent(5, "", colleague.pk).owner == colleague
    assert sent(5, headway_owner=-1).owner is None


def test_a_task_without_the_marker_has_no_row() -> None:
    tracking.sent("tests.foreign_tasks.old_import", {"id": str(uuid4())}, ((1,), {}, {}))
    tracking.sent("never.heard.of", {"id": str(uuid4())}, ((1,), {}, {}))
    assert not Task.objects.exists()


def test_a_second_message_for_the_same_task_leaves_its_row(run: Run) -> None:
    task = sent(5)
    tracking.sent(NAME, {"id": task.celery_id, "retries": 1}, ((5,), {}, {}))
    tracking.sent(NAME, {"id": task.celery_id, "retries": 0}, ((5,), {}, {}))
    assert Task.objects.count() == 1


def test_success_keeps_the_result_and_the_last_snapshot(run: Run) -> None:
    def job(self: Any) -> dict[str, int]:
        Reporter.for_celery(self).log("a line")
        return {"rows": 3}

    task = run(job, stages=["Read"])
    assert (task.state, task.result, task.percent, task.attempt) == ("succeeded", {"rows": 3}, 100.0, 1)
    assert [entry.text for entry in task.log_entries()] == ["a line"]
    shown = connections.backend().read_snapshot(str(task.pk))
    assert shown is not None
    assert (shown.state, [stage.name for stage in shown.stages]) == (State.SUCCEEDED, ["Read"])


def test_a_result_that_is_no_json_is_not_kept_and_no_failure(run: Run) -> None:
    task = run(returning(object()))
    assert (task.state, task.result) == ("succeeded", None)


def returning(value: Any) -> Callable[..., Any]:
    def job(self: Any) -> Any:
        return value

    return job


def test_what_it_raises_is_its_failure_and_the_text_is_for_staff_alone(run: Run) -> None:
    def job(self: Any) -> None:
        with Reporter.for_celery(self):
            raise ValueError("the password is hunter2")

    task = run(job)
    assert (task.state, task.error_code) == ("failed", "unexpected")
    assert "hunter2" in task.traceback
    assert "hunter2" not in task.error_text


def test_a_retry_is_an_attempt_of_the_same_row(run: Run) -> None:
    seen: list[str] = []

    def job(self: Any) -> str:
        seen.append(Task.objects.get().state)
        if self.request.retries < 2:
            raise self.retry(countdown=0)
        return "done"

    task = run(job)
    assert (task.state, task.attempt, task.failures, task.result) == ("succeeded", 3, 2, "done")
    assert [past["number"] for past in task.past_attempts] == [1, 2]
    assert seen == ["running"] * 3


def test_a_cancel_while_it_waits_keeps_it_from_running(run: Run, staff: User) -> None:
    celery_id, ran = str(uuid4()), []
    lifecycle.cancel(sent(5, celery_id=celery_id), user=staff)

    def job(self: Any) -> None:
        ran.append(1)

    assert run(job, celery_id=celery_id).state == "cancelled"
    assert ran == []


def test_a_cancel_while_it_runs_ends_it_at_its_next_call(run: Run, staff: User) -> None:
    def job(self: Any) -> None:
        lifecycle.cancel(Task.objects.get(), user=staff)
        progress = Reporter.for_celery(self)
        progress.teller.send()
        progress.advance()

    task = run(job)
    assert (task.state, task.error_code) == ("cancelled", "")


def test_a_cancel_between_two_attempts_is_agreed_to_by_the_next_one(run: Run) -> None:
    celery_id = str(uuid4())
    TaskFactory.create(running=True, id=UUID(celery_id), celery_id=celery_id, state=State.CANCELLING)
    assert run(returning(1), celery_id=celery_id).state == "cancelled"


def test_a_task_whose_row_cannot_be_written_runs_and_has_its_row_at_the_end(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise DatabaseError

    make, ran = tracking._make, []

    def job(self: Any) -> str:
        ran.append(Reporter.for_celery(self))
        monkeypatch.setattr(tracking, "_make", make)
        return "done"

    monkeypatch.setattr(tracking, "_make", away)
    task = run(job)
    assert (task.state, task.result, len(ran)) == ("succeeded", "done", 1)
    assert not tracking._without_row


def test_what_celery_delivers_again_is_a_new_attempt_whatever_its_row_says(run: Run) -> None:
    celery_id = str(uuid4())
    TaskFactory.create(ended=True, id=UUID(celery_id), celery_id=celery_id, state=State.LOST)
    task = run(returning("again"), celery_id=celery_id)
    assert (task.state, task.attempt, task.result) == ("succeeded", 2, "again")


def test_one_that_calls_another_has_one_row(run: Run) -> None:
    def answer() -> int:
        return 42

    inner = track_celery("Inner")(answer)

    def job(self: Any) -> int:
        return inner()

    assert run(job).result == 42
    assert Task.objects.count() == 1


def test_called_as_a_function_it_is_one() -> None:

    def answer() -> int:
        return 42

    assert track_celery("Plain")(answer)() == 42
    assert not Task.objects.exists()


def test_a_revoked_one_is_cancelled() -> None:
    task = sent(5)
    tracking.revoked(task.celery_id)
    tracking.revoked(str(uuid4()))
    task.refresh_from_db()
    assert task.state == "cancelled"


def test_maintenance_ends_one_whose_worker_vanished_and_publishes_none_again(broker: Broker) -> None:
    waiting = sent(5)
    Task.objects.update(created_at=timezone.now() - timedelta(hours=6))
    gone = TaskFactory.create(overdue=True, celery_id="gone", job="rehearsal")
    maintenance.maintain()
    assert broker.sent == []
    gone.refresh_from_db()
    waiting.refresh_from_db()
    assert (gone.state, waiting.state, waiting.is_waiting_for_queue) == ("lost", "queued", False)


def test_it_has_a_page_and_no_button_to_run_it_again(static_files: None, client: Client, staff: User) -> None:
    task = sent(5)
    client.force_login(staff)
    page = client.get(task.get_absolute_url()).content.decode()
    assert "Nightly import" in page
    Task.objects.update(state=State.FAILED, finished_at="2026-01-01T00:00Z")
    task.refresh_from_db()
    assert "retry/" not in client.get(task.get_absolute_url()).content.decode()
    with pytest.raises(lifecycle.Refused, match="own code"):
        lifecycle.retry(task, user=staff)


def test_it_keeps_what_celery_knows_of_the_function() -> None:
    assert foreign_tasks.nightly_import.name == NAME
    assert getattr(foreign_tasks.flaky_import.run, tracking.MARK).title == "Flaky import"


def test_ignore_is_what_celery_is_told(run: Run) -> None:
    def job(self: Any) -> None:
        raise Ignore

    assert run(job).state == "cancelled"


def test_a_message_that_was_lost_ends_its_row_after_a_day(settings: Any) -> None:
    settings.TASKS_TRACKED_WAIT_S = 3_600
    task, later, young = sent(5), sent(5, eta=(timezone.now() + timedelta(days=2)).isoformat()), sent(5)
    Task.objects.exclude(pk=young.pk).update(created_at=timezone.now() - timedelta(hours=2))
    report = maintenance.maintain()
    assert report is not None
    assert report.ended == 1
    assert set(Task.objects.values_list("pk", "state")) == {
        (task.pk, "lost"), (later.pk, "queued"), (young.pk, "queued"),
    }  # fmt: skip
    shown = connections.backend().read_snapshot(str(task.pk))
    assert shown is not None
    assert shown.error is not None
    assert (shown.state, shown.error.code) == (State.LOST, "message_lost")


def test_a_task_that_was_given_up_runs_when_its_message_comes_after_all(run: Run, settings: Any) -> None:
    def job(_self: Any) -> str:
        return "done"

    task = sent(5)
    assert recovery.give_up(task) is State.LOST
    assert run(job, celery_id=task.celery_id).state == State.SUCCEEDED


def test_a_retry_that_was_lost_is_given_up_too(run: Run) -> None:
    def job(_self: Any) -> None:
        raise Retry

    task = run(job)
    assert (task.state, Task.objects.forgotten(after_s=60).count()) == (State.RETRYING, 0)
    Task.objects.update(next_at=timezone.now() - timedelta(hours=2))
    assert list(Task.objects.forgotten(after_s=60)) == [task]
