"""Paths, values and files that cannot be meant."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from progress_app.events import State
from tasks_app.models import Task
from tests.factories import QUICK

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "redis_db", "inbox")]


@pytest.mark.parametrize(
    "path",
    [
        "/tasks/{task}/files/{file}/..%2F..%2Fetc%2Fpasswd",
        "/tasks/{task}/files/{file}/report.csv%00",
        "/tasks/{task}/files/{file}/%00",
        "/tasks/{task}/files/{file}/report.csv%0D%0ASet-Cookie:%20a=b",
        "/tasks/{task}/files/{file}/../../../../etc/passwd",
        "/tasks/{task}/files/99999999999999999999999999/report.csv",
        "/tasks/{task}/files/-1/report.csv",
        "/tasks/not-a-uuid/",
        "/tasks/%00/",
        "/tasks/{task}%0A/",
        "/jobs/%00/",
        "/jobs/..%2Fadmin/",
        "/jobs/" + "x" * 5_000 + "/",
    ],
)
def test_a_path_that_leads_nowhere_is_404(people: dict[str, Client], ended: Task, path: str) -> None:
    where = path.format(task=ended.pk, file=ended.attachments.get().pk)
    assert people["staff"].get(where).status_code == 404


@pytest.mark.parametrize("page", ["0", "-1", "9" * 30, "9" * 5_000, "1e9", "NaN", "%00", "٣", "last", "", "1&page=2"])
@pytest.mark.parametrize("scope", ["all", "mine", "%00", "<script>"])
def test_any_page_number_shows_a_page(people: dict[str, Client], ended: Task, page: str, scope: str) -> None:
    response = people["staff"].get(f"/tasks/?scope={scope}&page={page}")
    assert response.status_code == 200
    assert b"<script>" not in response.content


@pytest.mark.parametrize(
    "values",
    [
        {"steps": "1\0"},
        {"steps": "9" * 5_000},
        {"seconds": "nan"},
        {"seconds": "inf"},
        {"seconds": "1e999"},
        {"stages": "-1"},
        {"fail_chance": "<script>alert(1)</script>"},
        {"steps": ["", "x"]},
    ],
    ids=str,
)
def test_values_that_do_not_fit_start_nothing(people: dict[str, Client], values: dict[str, Any]) -> None:
    response = people["staff"].post("/jobs/rehearsal/", QUICK | values)
    assert response.status_code == 422
    assert b"<script>alert" not in response.content
    assert not Task.objects.exists()


def test_what_fits_twice_or_oddly_is_kept_as_the_job_will_read_it(people: dict[str, Client]) -> None:
    odd = {"steps": ["7", "4"], "known_total": "a\0b", "unknown": "x", "owner": "1", "state": "succeeded"}
    assert people["staff"].post("/jobs/rehearsal/", QUICK | odd).status_code == 302
    task = Task.objects.get()
    assert task.params == {"steps": "4", "seconds": "0", "stages": "1", "known_total": True, "fail_chance": "0"}
    assert (task.state, task.owner) == (State.QUEUED, User.objects.get(username="staff"))


def upload(client: Client, name: str = "a.csv", content: bytes = b"a,b\n1,2\n") -> Any:
    return client.post("/jobs/profile_csv/", {"upload": SimpleUploadedFile(name, content), "header": "yes"})


def stored_files(settings: Any) -> list[str]:
    return sorted(str(path.relative_to(settings.MEDIA_ROOT)) for path in settings.MEDIA_ROOT.rglob("*.csv"))


def test_a_file_over_the_limit_is_refused_with_both_sizes_and_leaves_nothing(
    people: dict[str, Client], settings: Any, tmp_path: Any
) -> None:
    settings.MEDIA_ROOT, settings.TASKS_UPLOAD_LIMIT_BYTES = tmp_path, 1_000
    response = upload(people["staff"], content=b"x" * 2_000)
    page = response.content.decode().replace("\xa0", " ")
    assert response.status_code == 422
    assert "2.0 KB" in page
    assert "1000 bytes" in page
    assert (stored_files(settings), Task.objects.count()) == ([], 0)


def test_who_may_not_start_a_job_leaves_no_file(people: dict[str, Client], settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    outcomes = [upload(people[name]).status_code for name in ("owner", "stranger", "inactive", "nobody")]
    assert outcomes == [404, 404, 302, 302]
    assert stored_files(settings) == []


@pytest.mark.parametrize(
    "name", ["../../evil.csv", "/etc/evil.csv", "a\\..\\evil.csv", "a\0b.csv", ".evil.csv", "x" * 300 + ".csv"]
)
def test_an_upload_lies_in_its_task_s_folder_whatever_it_is_called(
    people: dict[str, Client], settings: Any, tmp_path: Any, name: str
) -> None:
    settings.MEDIA_ROOT = tmp_path
    assert upload(people["staff"], name).status_code == 302
    [path] = stored_files(settings)
    assert path.startswith(f"tasks/{Task.objects.get().pk}/")
