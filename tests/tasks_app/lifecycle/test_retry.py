"""Running again: a new task with the same input, or with other."""

from collections.abc import Callable

import pytest
from django import forms
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile

from progress_app.events import State
from tasks_app import lifecycle, registry
from tasks_app.models import Attachment, Task
from tests.factories import QUICK, TaskFactory
from tests.tasks_app.lifecycle.jobs import nothing

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_retry_is_a_new_task_with_the_same_input(owner: User, inbox: list[Task]) -> None:
    task = TaskFactory.create(owner=owner, ended=True)
    given = Attachment.objects.create(task=task, field="upload", name="a.csv", size=1, content_type="text/csv")
    Attachment.objects.create(task=task, name="report.html", size=1, content_type="text/html")
    again = lifecycle.retry(task, user=owner)
    assert again.pk != task.pk
    assert (again.retry_of, again.state, again.params, again.attempt) == (task, State.QUEUED, task.params, 0)
    [shared] = again.attachments.all()
    assert (shared.field, shared.file.name) == ("upload", given.file.name)
    assert inbox == [again]


def test_an_unfinished_task_cannot_be_retried(owner: User) -> None:
    with pytest.raises(lifecycle.Refused, match="not ended yet"):
        lifecycle.retry(TaskFactory.create(owner=owner), user=owner)


def test_a_job_that_is_gone_cannot_be_retried(owner: User) -> None:
    with pytest.raises(lifecycle.Refused, match="no longer part"):
        lifecycle.retry(TaskFactory.create(owner=owner, ended=True, job="gone"), user=owner)


def test_a_retry_whose_values_no_longer_fit_is_refused_with_the_way_out(owner: User) -> None:
    task = TaskFactory.create(owner=owner, ended=True, params=QUICK | {"steps": 0})
    with pytest.raises(lifecycle.Refused, match=r"steps: .*changed input"):
        lifecycle.retry(task, user=owner)


def test_a_retry_with_changed_input_takes_the_files_that_are_not_given_anew(
    staff: User, inbox: list[Task], catalogue: Callable[..., registry.Job]
) -> None:
    class Two(forms.Form):
        first = forms.FileField()
        second = forms.FileField()
        name = forms.CharField()

    catalogue(nothing, form=Two)
    files = {name: SimpleUploadedFile(f"{name}.csv", b"a") for name in ("first", "second")}
    task = lifecycle.enqueue("a_job", user=staff, data={"name": "a"}, files=files)
    Task.objects.filter(pk=task.pk).cancel_waiting()
    task.refresh_from_db()
    again = lifecycle.retry(task, user=staff, data={"name": "b"}, files={"second": SimpleUploadedFile("new.csv", b"b")})
    assert (again.retry_of, again.params) == (task, {"name": "b"})
    assert {given.field: given.name for given in again.attachments.all()} == {"first": "first.csv", "second": "new.csv"}


def test_new_values_need_the_right_to_start_the_job(owner: User) -> None:
    with pytest.raises(lifecycle.NotAllowed):
        lifecycle.retry(TaskFactory.create(owner=owner, ended=True), user=owner, data=QUICK)
