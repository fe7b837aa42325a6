"""What is forgotten, what is kept, and which files go."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from progress_app.events import State
from tasks_app import attachments, registry, retention
from tasks_app.models import Task
from tests.factories import TaskFactory
from tests.jobs.stub import StubReporter

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def ended(days_ago: float, **fields: Any) -> Task:
    made: Task = TaskFactory.create(ended=True, finished_at=timezone.now() - timedelta(days=days_ago), **fields)
    return made


def prune(days: int = 30, most: int = 1_000) -> int:
    return sum(retention.forget(retention.expired(days=days, most=most), rest=lambda _took_s: None))


def attach(task: Task, text: bytes = b"figures") -> str:
    return str(attachments.keep(task, ContentFile(text), "report.txt", field="upload").file.name)


def kept() -> set[Task]:
    return set(Task.objects.all())


def test_what_ended_long_ago_is_forgotten() -> None:
    new, _old = ended(29), ended(31)
    assert prune() == 1
    assert kept() == {new}


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.CANCELLING, State.RETRYING])
def test_what_has_not_ended_is_kept_however_old(state: State) -> None:
    task = TaskFactory.create(state=state, created_at=timezone.now() - timedelta(days=900))
    assert prune(days=1, most=1) == 0
    assert kept() == {task}


def test_each_batch_is_followed_by_a_rest_as_long_as_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    moments = iter([0.0, 3.0, 10.0, 14.0, 20.0])
    for day in (31, 32, 33):
        ended(day)
    rests: list[float] = []
    old = retention.expired(days=30, most=100)
    assert list(retention.forget(old, rest=rests.append, clock=lambda: next(moments))) == [2, 1]
    assert rests == [3, 4]


def test_of_many_the_newest_are_kept() -> None:
    tasks = [ended(day) for day in range(1, 6)]
    assert prune(most=2) == 3
    assert kept() == set(tasks[:2])


def test_children_go_with_their_parent_and_never_before_it() -> None:
    young, old = ended(1), ended(40)
    child = ended(40, parent=young)
    ended(40, parent=old)
    assert prune() == 1
    assert kept() == {young, child}


def test_it_goes_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for _ in range(5):
        ended(40)
    assert list(retention.forget(retention.expired(days=30, most=100))) == [2, 2, 1]


def test_files_go_with_their_task_and_leave_no_empty_folder() -> None:
    name = attach(ended(40))
    prune()
    assert not default_storage.exists(name)
    assert default_storage.listdir("tasks") == ([], [])


def test_a_file_that_a_retry_still_uses_stays() -> None:
    old = ended(40)
    name = attach(old)
    again = TaskFactory.create(retry_of=old)
    attachments.share_inputs(old, again)
    prune()
    assert default_storage.exists(name)
    again.refresh_from_db()
    assert again.retry_of is None


def test_files_of_nobody_are_removed_once_they_are_old() -> None:
    stray = default_storage.save("tasks/0a1b/c2d3/left.txt", ContentFile(b"left"))
    owned = attach(TaskFactory.create())
    now = timezone.now()
    assert list(retention.strays(now)) == []
    assert list(retention.strays(now + timedelta(days=2))) == [stray]
    assert default_storage.exists(owned)


def test_a_storage_without_files_has_no_strays() -> None:
    assert retention.remove_strays() == 0


def test_the_job_says_what_it_did() -> None:
    ended(40)
    ended(1)
    job = registry.get("prune_tasks")
    reporter = StubReporter()
    assert job.function(reporter, **job.bind({"days": 30, "most": 100})) == {"tasks": 1, "stray_files": 0}
