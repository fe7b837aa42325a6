"""What a job's end leaves: its result or its reason, its log, its files, a forecast for the next run."""

import json
from typing import Any

import pytest
from django import forms
from django.db import connection
from django.test.utils import CaptureQueriesContext

from progress_app import connections
from progress_app.events import Snapshot, State
from tasks_app import registry
from tasks_app.host import TaskHost
from tasks_app.models import Task
from tests.tasks_app.run.running import Catalogue, a_task, raises, run, shown

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_db", "broker")]


class Numbered(forms.Form):
    number = forms.IntegerField()


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


def test_runs_with_the_same_values_are_the_better_forecast(catalogue: Catalogue) -> None:
    def job(progress: Any, *, number: int) -> None:
        for _ in progress.track(range(number)):
            progress.raise_if_cancelled()

    catalogue(job, form=Numbered)
    runs = {number: run(a_task(params={"number": number})) for number in (2, 3)}
    same, none = (TaskHost(a_task(params={"number": number}), lease_s=45).earlier() for number in (3, 4))
    assert same == [runs[3].pace]
    assert len(none) == 2
