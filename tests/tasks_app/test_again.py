"""The pages around another run: once at a time, changed input, earlier attempts, waiting for the queue."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from tasks_app import lifecycle, registry
from tasks_app.models import Task
from tasks_app.record import recorded_snapshot
from tests.factories import QUICK, TaskFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "redis_db", "inbox")]
Catalogue = Callable[..., registry.Job]


class Import(forms.Form):
    upload = forms.FileField()
    shop = forms.CharField()
    careful = forms.BooleanField(required=False, initial=True)
    days = forms.MultipleChoiceField(choices=[("mo", "Monday"), ("tu", "Tuesday")])


def nothing(_progress: Any, **_values: Any) -> None: ...


@pytest.fixture
def client(staff: User) -> Client:
    client = Client()
    client.force_login(staff)
    return client


def test_a_second_click_on_the_button_starts_nothing(client: Client) -> None:
    key = client.get("/jobs/rehearsal/").context["idempotency_key"]
    places = {client.post("/jobs/rehearsal/", QUICK | {"idempotency_key": key})["Location"] for _ in range(2)}
    assert len(places) == Task.objects.count() == 1


def test_the_form_of_work_that_is_under_way_leads_to_it_and_says_so(client: Client, catalogue: Catalogue) -> None:
    catalogue(nothing, unique_by=())
    client.post("/jobs/a_job/")
    page = client.post("/jobs/a_job/", follow=True)
    assert page.redirect_chain == [(f"/tasks/{Task.objects.get().pk}/", 302)]
    assert b"under way already" in page.content


@pytest.fixture
def ended(staff: User, catalogue: Catalogue) -> Task:
    catalogue(nothing, form=Import)
    upload = {"upload": SimpleUploadedFile("first.csv", b"a")}
    task = lifecycle.enqueue("a_job", user=staff, data={"shop": "north", "days": ["tu"]}, files=upload)
    Task.objects.filter(pk=task.pk).cancel_waiting()
    return task


def test_the_form_is_filled_in_as_it_was(client: Client, ended: Task) -> None:
    assert f'href="/tasks/{ended.pk}/again/"' in client.get(f"/tasks/{ended.pk}/").content.decode()
    page = client.get(f"/tasks/{ended.pk}/again/")
    form = page.context["form"]
    assert (page.status_code, form["shop"].value(), form["days"].value()) == (200, "north", ["tu"])
    assert form["careful"].value() is False, "it was not ticked, whatever the form begins with"


def test_a_file_that_is_kept_is_named_and_no_other_one_is_required(client: Client, ended: Task) -> None:
    answers = [
        client.get(f"/tasks/{ended.pk}/again/"),
        client.post(f"/tasks/{ended.pk}/again/", {"shop": "", "days": ["mo"]}),
    ]
    for answer in answers:
        page = " ".join(answer.content.decode().split())
        assert "<strong>first.csv</strong> (kept; choose another to replace it)" in page
        assert "upload=first.csv" in page
        assert "path/to/file" not in page
        [field] = re.findall(r'<input type="file"[^>]*>', page)
        assert "required" not in field
        assert 'aria-describedby="id_upload_kept"' in field
    assert "(kept" not in client.get("/jobs/a_job/").content.decode()


def test_what_is_changed_is_new_and_the_file_stays(client: Client, ended: Task) -> None:
    place = client.post(f"/tasks/{ended.pk}/again/", {"shop": "south", "days": ["mo"]})["Location"]
    again = Task.objects.get(retry_of=ended)
    assert place == f"/tasks/{again.pk}/"
    assert (again.params["shop"], again.attachments.get().name) == ("south", "first.csv")


def test_values_that_do_not_fit_come_back(client: Client, ended: Task) -> None:
    page = client.post(f"/tasks/{ended.pk}/again/", {"shop": "", "days": ["mo"]})
    assert page.status_code == 422
    assert not Task.objects.filter(retry_of=ended).exists()


@pytest.mark.parametrize("fields", [{}, {"ended": True, "job": "gone"}])
def test_an_unfinished_task_and_one_whose_job_is_gone_have_no_such_form(client: Client, fields: Any) -> None:
    assert client.get(f"/tasks/{TaskFactory.create(**fields).pk}/again/").status_code == 404


def test_nobody_else_has_it(ended: Task, stranger: User, owner: User) -> None:
    for person in (stranger, owner):
        client = Client()
        client.force_login(person)
        for verb in (client.get, client.post):
            assert verb(f"/tasks/{ended.pk}/again/").status_code == 404


def test_earlier_attempts_are_shown_with_their_errors_and_when_the_next_one_is(client: Client, owner: User) -> None:
    past = {"number": 1, "worker": "w@1", "started_at": 1.0, "ended_at": 2.0, "ending": "failed"}
    past |= {"code": "busy", "text": "The other side <b>is busy</b>.", "traceback": "line 7"}
    task = TaskFactory.create(
        owner=owner, state="retrying", attempt=1, past_attempts=[past], next_at=timezone.now() + timedelta(minutes=5)
    )
    page = client.get(f"/tasks/{task.pk}/").content.decode()
    for part in ("Attempt 1 on w@1", "&lt;b&gt;is busy", "The next attempt is at", "line 7"):
        assert part in page
    client.force_login(owner)
    assert "line 7" not in client.get(f"/tasks/{task.pk}/").content.decode()


def test_a_task_that_the_broker_should_have_and_has_not_says_that_it_waits_for_the_queue(client: Client) -> None:
    late = TaskFactory.create(created_at=timezone.now() - timedelta(seconds=10))
    assert "Waiting for the queue" in client.get(f"/tasks/{late.pk}/").content.decode()
    for other in (TaskFactory.create(), TaskFactory.create(created_at=late.created_at, published_at=timezone.now())):
        shown = recorded_snapshot(str(other.pk))
        assert shown is not None
        assert shown.message == ""


def test_a_task_s_page_tells_what_it_was_given(client: Client, ended: Task) -> None:
    page = " ".join(client.get(ended.get_absolute_url()).content.decode().split())
    for part in (
        "<dt>File</dt> <dd> <a",
        "<dt>Shop</dt> <dd> north </dd>",
        "<dt>Days</dt> <dd> Tuesday </dd>",
        ">first.csv</a>",
    ):
        assert part in page
    assert ">first.csv</span>" in client.get("/tasks/").content.decode()


def test_a_password_that_a_job_was_given_is_not_shown(client: Client, staff: User, catalogue: Catalogue) -> None:
    class Login(forms.Form):
        account = forms.CharField()
        password = forms.CharField(widget=forms.PasswordInput)

    catalogue(nothing, form=Login)
    task = lifecycle.enqueue("a_job", user=staff, data={"account": "shop", "password": "hunter2"})
    page = client.get(task.get_absolute_url()).content.decode()
    assert "shop" in page
    assert "hunter2" not in page


def test_work_comes_before_chores_in_the_catalogue(client: Client) -> None:
    page = client.get("/").content.decode()
    places = [
        page.index(title) for title in ("Make thumbnails", "Rehearsal", "About the tasks", "Export tasks", "Prune")
    ]
    assert places == sorted(places)
