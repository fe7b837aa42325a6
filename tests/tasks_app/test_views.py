"""The doors for people: forms, lists, downloads, health."""

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import Client

from progress_app.events import State
from tasks_app import attachments
from tasks_app.models import Attachment, Task
from tests.factories import QUICK, TaskFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "redis_db", "inbox")]


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_starting_a_job_shows_its_task(staff: User) -> None:
    response = logged_in(staff).post("/jobs/rehearsal/", QUICK)
    task = Task.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/tasks/{task.pk}/")
    assert task.owner == staff


def test_values_that_do_not_fit_come_back_beside_their_fields(staff: User) -> None:
    response = logged_in(staff).post("/jobs/rehearsal/", QUICK | {"steps": 0})
    page = response.content.decode()
    assert response.status_code == 422
    assert "At least 1 step." in page
    assert 'aria-invalid="true"' in page
    assert not Task.objects.exists()


def test_an_unknown_job_is_404(staff: User) -> None:
    assert logged_in(staff).get("/jobs/nonsense/").status_code == 404


@pytest.mark.parametrize("path", ["/jobs/rehearsal/", "/tasks/{}/cancel/", "/tasks/{}/retry/"])
def test_a_post_needs_a_csrf_token(staff: User, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff)
    assert client.post(path.format(TaskFactory.create().pk), QUICK).status_code == 403


@pytest.mark.parametrize("verb", ["cancel", "retry"])
def test_a_verb_is_not_a_link(staff: User, verb: str) -> None:
    assert logged_in(staff).get(f"/tasks/{TaskFactory.create().pk}/{verb}/").status_code == 405


def test_cancel_and_retry_by_their_buttons(owner: User) -> None:
    client, task = logged_in(owner), TaskFactory.create(owner=owner)
    assert client.post(f"/tasks/{task.pk}/cancel/")["Location"] == f"/tasks/{task.pk}/#controls"
    task.refresh_from_db()
    assert task.state == State.CANCELLED
    again = client.post(f"/tasks/{task.pk}/retry/")
    assert again["Location"] == f"/tasks/{Task.objects.get(retry_of=task).pk}/"


def test_a_verb_that_does_not_fit_says_why(owner: User) -> None:
    task = TaskFactory.create(owner=owner, ended=True)
    response = logged_in(owner).post(f"/tasks/{task.pk}/cancel/", follow=True)
    assert b"already ended" in response.content


def test_the_list_shows_one_s_own_or_all_and_pages(staff: User) -> None:
    TaskFactory.create_batch(3, owner=staff)
    TaskFactory.create_batch(27)
    client = logged_in(staff)
    assert len(client.get("/tasks/").context["page_obj"]) == 3
    assert len(client.get("/tasks/?scope=all").context["page_obj"]) == 25
    assert len(client.get("/tasks/?scope=all&page=2").context["page_obj"]) == 5
    assert client.get("/tasks/?scope=all&page=nonsense").status_code == 200


def test_the_list_shows_a_task_once_whatever_groups_there_are(colleague: User, group: Any) -> None:
    task = TaskFactory.create(group=group)
    assert list(logged_in(colleague).get("/tasks/?scope=all").context["page_obj"]) == [task]


def test_the_list_asks_as_much_for_many_tasks_as_for_few(staff: User, django_assert_max_num_queries: Any) -> None:
    client = logged_in(staff)
    TaskFactory.create_batch(25, owner=staff, ended=True)
    with django_assert_max_num_queries(40):
        client.get("/tasks/")


def test_a_traceback_is_for_staff_alone(owner: User, staff: User) -> None:
    fields = {"state": State.FAILED, "error_code": "unexpected", "error_text": "It broke.", "traceback": "line 7"}
    task = TaskFactory.create(owner=owner, ended=True, **fields)
    assert b"line 7" in logged_in(staff).get(f"/tasks/{task.pk}/").content
    page = logged_in(owner).get(f"/tasks/{task.pk}/").content
    assert b"line 7" not in page
    assert b"It broke." in page


def test_what_a_job_says_is_text(owner: User) -> None:
    evil = "<script>alert(1)</script>"
    task = TaskFactory.create(
        owner=owner, ended=True, message=evil, error_code="x", error_text=evil, result={evil: evil},
        log=[{"level": "info", "text": evil, "ts": 1.0}], job="gone",
    )  # fmt: skip
    page = logged_in(owner).get(f"/tasks/{task.pk}/").content.decode()
    assert evil not in page
    assert "&lt;script&gt;" in page


# Files


def attached(task: Task, name: str, content: bytes = b"data") -> Attachment:
    return attachments.keep(task, ContentFile(content), name)


def test_a_file_is_downloaded_never_shown(owner: User) -> None:
    file = attached(TaskFactory.create(owner=owner), "report.html", b"<script>")
    response = logged_in(owner).get(file.get_absolute_url())
    assert b"".join(response) == b"<script>"
    assert response["Content-Type"] == "text/html"
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "name",
    ['a"b.csv', "a\r\nSet-Cookie: x.csv", "../../../etc/passwd", "ä ö %2F.csv", "\u202egpj.exe", "x" * 400, "..", ""],
)
def test_hostile_names_do_no_harm(owner: User, name: str) -> None:
    file = attached(TaskFactory.create(owner=owner), name)
    response = logged_in(owner).get(file.get_absolute_url())
    assert response.status_code == 200
    assert "\n" not in response["Content-Disposition"]
    assert "Set-Cookie" not in response.headers
    assert str(file.file.name).startswith(f"tasks/{file.task_id}/")
    response.close()


def test_a_file_of_a_task_that_one_may_not_see_is_404(stranger: User, owner: User) -> None:
    file = attached(TaskFactory.create(owner=owner), "a.csv")
    assert logged_in(stranger).get(file.get_absolute_url()).status_code == 404
    own = TaskFactory.create(owner=stranger)
    assert logged_in(stranger).get(f"/tasks/{own.pk}/files/{file.pk}/a.csv").status_code == 404, "by another task"


def test_a_file_that_is_gone_is_404(owner: User) -> None:
    file = attached(TaskFactory.create(owner=owner), "a.csv")
    file.file.storage.delete(str(file.file.name))
    assert logged_in(owner).get(file.get_absolute_url()).status_code == 404
    assert logged_in(owner).get(f"/tasks/{uuid.uuid4()}/files/1/a.csv").status_code == 404


# Health


def test_health_says_what_answers(client: Client) -> None:
    response = client.get("/health/")
    assert (response.status_code, response.json()) == (200, {"database": True, "redis": True})


def test_health_without_redis_is_503_and_gives_no_reason(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.PROGRESS_REDIS_URL = "redis://:hunter2@127.0.0.1:1/0"
    response = client.get("/health/")
    assert (response.status_code, response.json()) == (503, {"database": True, "redis": False})
    assert b"hunter2" not in response.content


def test_a_parent_s_page_counts_its_children_by_state_and_leads_to_them(owner: User) -> None:
    parent = TaskFactory.create(owner=owner, running=True, has_children=True)
    for number, state in enumerate([State.SUCCEEDED, State.SUCCEEDED, State.FAILED]):
        TaskFactory.create(owner=owner, parent=parent, number=number, state=state)
    page = logged_in(owner).get(f"/tasks/{parent.pk}/").content.decode()
    assert "2 Succeeded" in page
    link = f"/tasks/?scope=all&q=parent:{parent.pk}&q=state:failed"
    assert link.replace("&", "&amp;") in page
    assert len(logged_in(owner).get(link).context["rows"]) == 1


# The log


def test_the_log_is_a_text_file(owner: User, stranger: User) -> None:
    task = TaskFactory.create(owner=owner, ended=True, log=[{"level": "warning", "text": "3 rows skipped", "ts": 1.5}])
    response = logged_in(owner).get(f"/tasks/{task.pk}/log/")
    assert response.content.decode() == "1970-01-01T00:00:01.500+00:00 warning 3 rows skipped\n"
    assert response["Content-Disposition"].startswith("attachment")
    assert logged_in(stranger).get(f"/tasks/{task.pk}/log/").status_code == 404


def test_the_catalogue_names_what_runs_before_what_waits_with_the_files_given(client: Client, owner: User) -> None:
    client.force_login(owner)
    running = TaskFactory.create(owner=owner, running=True)
    Attachment.objects.create(task=running, name="orders.csv", size=9, file="x", field="upload")
    Attachment.objects.create(task=running, name="made.html", size=9, file="x")
    waiting = [TaskFactory.create(owner=owner) for _ in range(3)]
    page = client.get("/")
    assert [task.pk for task in page.context["under_way"]] == [running.pk, waiting[2].pk, waiting[1].pk]
    assert "orders.csv" in page.content.decode()
    assert "made.html" not in page.content.decode()
