"""The examples in the documents, run as a reader would run them."""

import sys
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import Http404, HttpRequest
from django.test import RequestFactory
from pytest_django import Settings

from progress_app.present import present
from tasks_app import lifecycle, outbox, registry, runner
from tasks_app.models import Task
from tests.documents import ALL, README, Block

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_db", "static_files", "own_jobs"),
]
JOB, PAGE = "class CountWordsForm", "def show_count"
PACKAGE = "newcomers_jobs"
runs = count()


def example(holding: str) -> str:
    (found,) = [block.code for block in README.blocks("python") if holding in block.code]
    return found


def run(code: str) -> dict[str, Any]:
    """Run an example as a module of its own, because Celery's tasks go by their module; return what it defines."""
    defined: dict[str, Any] = {"__name__": f"example_{next(runs)}"}
    exec(compile(code, "example", "exec"), defined)  # noqa: S102 - our own documents
    return defined


@pytest.fixture
def own_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the README's job into a package of its own, where it is found as those in tasks_app/jobs are."""
    package = tmp_path / PACKAGE
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "count_words.py").write_text(example(JOB), encoding="utf-8")
    for name in (PACKAGE, f"{PACKAGE}.count_words"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(registry, "_jobs", {})
    monkeypatch.setattr(registry, "PACKAGES", (PACKAGE,))
    monkeypatch.setattr(outbox, "put", lambda _task: None)
    registry.autodiscover()


def text_file() -> SimpleUploadedFile:
    return SimpleUploadedFile("poem.txt", b"one two\nthree\n")


@pytest.fixture
def task(staff: User) -> Task:
    return lifecycle.enqueue("count_words", user=staff, data={}, files={"text": text_file()})


@pytest.mark.parametrize("block", [block for document in ALL for block in document.blocks("python")], ids=str)
def test_every_example_in_python_runs(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_jobs", {})
    run(block.code)


def test_the_job_of_ten_lines_is_found_runs_and_shows_how_far_it_is(task: Task) -> None:
    assert [job.title for job in registry.all_jobs()] == ["Count words"]
    runner.run(str(task.pk), worker="worker@test")
    task.refresh_from_db()
    assert (task.state, task.result) == ("succeeded", {"lines": 2, "words": 3})
    shown = present(str(task.pk))
    assert shown is not None
    assert (shown.current, shown.total, shown.unit, shown.percent) == (2, 2, "lines", 100.0)


def test_the_job_of_ten_lines_has_ten_lines() -> None:
    code = [line for line in example(JOB).splitlines() if line and '"""' not in line]
    assert len(code) <= 10


def test_a_plain_celery_task_reports_its_end() -> None:
    task = run(example("for_celery"))["import_rows"].apply(args=[["a", "b"]])
    shown = present(task.id)
    assert task.successful()
    assert shown is not None
    assert (shown.state, shown.current, shown.total) == ("succeeded", 2, 2)


# Its bar in a page of somebody's own


@pytest.fixture
def page(settings: Settings) -> dict[str, Any]:
    """The views of the README, with the README's two lines as their template."""
    (template,) = README.blocks("django")
    engine = settings.TEMPLATES[0]
    loaders = [
        ("django.template.loaders.locmem.Loader", {"shop/count.html": template.code}),
        "django.template.loaders.filesystem.Loader",
        "django.template.loaders.app_directories.Loader",
    ]
    settings.TEMPLATES = [engine | {"APP_DIRS": False, "OPTIONS": engine["OPTIONS"] | {"loaders": loaders}}]
    return run(example(PAGE))


def asked_by(user: User | AnonymousUser, request: HttpRequest) -> HttpRequest:
    request.user = user
    return request


def test_two_lines_put_a_live_bar_into_a_page(
    page: dict[str, Any], task: Task, staff: User, rf: RequestFactory
) -> None:
    (template,) = README.blocks("django")
    assert len(template.code.splitlines()) == 2
    drawn = page["show_count"](asked_by(staff, rf.get("/")), task.pk).content.decode()
    assert f'data-channel="task-{task.pk}"' in drawn
    assert 'role="progressbar"' in drawn
    assert "progress-bar" in drawn.partition("<script")[2]


def test_the_page_is_hidden_from_a_stranger(
    page: dict[str, Any], task: Task, stranger: User, rf: RequestFactory
) -> None:
    with pytest.raises(Http404):
        page["show_count"](asked_by(stranger, rf.get("/")), task.pk)


def test_the_view_that_starts_a_task_leads_to_its_page(page: dict[str, Any], staff: User, rf: RequestFactory) -> None:
    post = rf.post("/", {"text": text_file()})
    answer = page["start_count"](asked_by(staff, post))
    assert answer["Location"] == Task.objects.get().get_absolute_url()
    assert page["start_count"](asked_by(AnonymousUser(), post))["Location"].startswith("/login/")
