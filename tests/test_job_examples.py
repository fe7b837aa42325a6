"""The jobs and tests of docs/jobs.md and docs/testing.md, run as a reader would run them."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from django.utils import translation

from config.places import BASE
from progress_app import connections, testing
from progress_app.events import State
from progress_app.testing import RecordingReporter
from progress_app.words import fill
from tasks_app import registry
from tasks_app.models import Task
from tasks_app.outputs import given_back
from tests.documents import Document

JOBS, TESTING = Document(BASE / "docs" / "jobs.md"), Document(BASE / "docs" / "testing.md")


@pytest.fixture
def defined(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """All that the examples define."""
    monkeypatch.setattr(registry, "_jobs", {})
    found: dict[str, Any] = {"__name__": f"docs_{uuid4().hex}"}
    for block in [*JOBS.blocks("python"), *TESTING.blocks("python")]:
        exec(compile(block.code, str(block), "exec"), found)  # noqa: S102 - our own documents
    return found


def test_the_tests_of_the_documents_pass(defined: dict[str, Any]) -> None:
    defined["check_an_import"](defined["import_orders"])
    defined["check_a_cancel"](defined["import_orders"])


def test_what_stages_are_worth_is_as_the_page_says(defined: dict[str, Any]) -> None:
    progress = RecordingReporter(stages=["Read", "Load"])
    defined["import_orders"](progress, orders=defined["Upload"](b"1\n2\n"))
    assert [percent for percent in progress.percents if percent is not None] == [20.0, 60.0, 99.9]


def test_an_empty_file_is_told_to_the_person(defined: dict[str, Any]) -> None:
    with pytest.raises(registry.JobError, match="no_orders"):
        defined["import_orders"](RecordingReporter(), orders=defined["Upload"](b""))


def test_a_total_may_turn_up_and_grow(defined: dict[str, Any]) -> None:
    progress = RecordingReporter()
    assert defined["follow_links"](progress) == 15
    assert progress.last.total == 15
    assert progress.percents == sorted(percent for percent in progress.percents if percent is not None)


def test_threads_and_coroutines_count(defined: dict[str, Any]) -> None:
    progress = RecordingReporter()
    defined["check_in_threads"](progress)
    assert progress.last.current == 100
    progress = RecordingReporter()
    assert asyncio.run(defined["add_up"](progress)) == 3
    assert progress.last.current == 3


def test_a_file_is_attached_whole(defined: dict[str, Any]) -> None:
    progress = RecordingReporter()
    defined["table_of_squares"](progress)
    rows = progress.attachments["squares.csv"].decode().splitlines()
    assert (len(rows), rows[-1]) == (1_000, "999,998001")


@pytest.mark.usefixtures("redis_db")
@pytest.mark.parametrize(("language", "line"), [("en", "2,000 of 3 rows"), ("de", "2.000 of 3 rows")])
def test_figures_are_grouped_as_the_language_does(language: str, line: str) -> None:
    with translation.override(language):
        assert fill("{count} of {total} {unit}", count=2000, total=3, unit="rows") == line


def test_a_translated_job_says_what_it_found(defined: dict[str, Any]) -> None:
    progress = RecordingReporter()
    result = defined["look_for_duplicates"](progress)
    assert [line.text for line in progress.logs] == ["2 of 5 numbers stand twice"]
    assert given_back(registry.get("look_for_duplicates"), result) == [("Numbers found twice", 2)]


def test_code_for_celery_progress_reports(defined: dict[str, Any]) -> None:
    task = defined["send_letters"].apply(args=(["Ada", "Bo"],))
    told = connections.backend().read_snapshot(task.id)
    assert (task.result, told and (told.state, told.current, told.total, told.message)) == (
        2, (State.SUCCEEDED, 2, 2, "To Bo"),
    )  # fmt: skip


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis_db")
def test_a_tracked_task_has_a_row(defined: dict[str, Any], owner: Any) -> None:
    defined["nightly_import"].apply(args=(5,), kwargs={"owner": owner.pk})
    task = Task.objects.get()
    assert (task.title, task.owner, task.result, task.state) == ("Nightly import", owner, {"rows": 5}, "succeeded")


@pytest.mark.parametrize("name", [name for row in TESTING.rows("Attribute") for name in row[0].split(", ")])
def test_the_reporter_for_tests_has_what_the_page_lists(name: str) -> None:
    assert hasattr(testing.RecordingReporter(), name.strip("`"))
