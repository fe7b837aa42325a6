"""Files that a job makes: kept once, whole, and only for the attempt that has the task."""

import errno
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import OperationalError

from progress_app.exceptions import AttemptSuperseded
from tasks_app import attachments, host
from tasks_app.host import TaskHost
from tasks_app.models import Task
from tasks_app.registry import JobError
from tests.factories import TaskFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def files(media: Path) -> list[bytes]:
    return [path.read_bytes() for path in media.rglob("*") if path.is_file()]


def attach(task: Task, content: bytes, name: str = "report.txt") -> None:
    TaskHost(task, lease_s=45).attach(BytesIO(content), name)


def next_attempt(task: Task) -> Task:
    Task.objects.filter(pk=task.pk).update(attempt=task.attempt + 1)
    return Task.objects.get(pk=task.pk)


def test_an_attempt_that_runs_again_replaces_its_file_and_keeps_the_others(media: Path) -> None:
    first = TaskFactory.create(running=True)
    attach(first, b"half")
    attach(first, b"other", "other.txt")
    attach(next_attempt(first), b"whole")
    assert sorted(files(media)) == [b"other", b"whole"]
    assert sorted(first.attachments.values_list("name", flat=True)) == ["other.txt", "report.txt"]


def test_two_files_of_one_name_of_one_attempt_are_both_kept(media: Path) -> None:
    task = TaskFactory.create(running=True)
    attach(task, b"a")
    attach(task, b"b")
    assert sorted(files(media)) == [b"a", b"b"]


def test_a_superseded_attempt_leaves_no_file(media: Path) -> None:
    task = TaskFactory.create(running=True)
    next_attempt(task)
    with pytest.raises(AttemptSuperseded):
        attach(task, b"late")
    assert list(media.rglob("*.txt")) == []
    assert not task.attachments.exists()


def test_a_full_disk_is_said_in_plain_words_and_leaves_nothing_behind(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileSystemStorage._save  # type: ignore[attr-defined]  # Django's own hook, without a type

    def half(storage: Any, name: str, content: Any) -> str:
        store(storage, name, content)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(FileSystemStorage, "_save", half)
    task = TaskFactory.create(running=True)
    with pytest.raises(JobError, match=r"no room left .* 'report.txt'") as told:
        attach(task, b"too much")
    assert told.value.code == "storage_full"
    assert list(media.rglob("*")) == [media / "tasks"]
    assert not task.attachments.exists()


@pytest.mark.parametrize("is_noted", [False, True])
def test_a_database_that_went_away_before_or_after_it_took_the_file_has_it_once(
    media: Path, monkeypatch: pytest.MonkeyPatch, is_noted: bool
) -> None:
    task, note, calls = TaskFactory.create(running=True), attachments.note_result, []

    def away_at_first(*given: Any) -> None:
        calls.append(given)
        if is_noted or len(calls) > 1:
            note(*given)
        if len(calls) == 1:
            raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(attachments, "note_result", away_at_first)
    monkeypatch.setattr(host, "KEEP_AGAIN_S", 0)
    monkeypatch.setattr(host, "close_old_connections", lambda: None)  # the test is within a transaction
    attach(task, b"whole")
    assert files(media) == [b"whole"]
    assert task.attachments.count() == 1
