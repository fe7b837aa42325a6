"""The user's verbs: enqueue, cancel, retry; who may, what is kept, and what a fault of Redis or broker changes."""

from collections.abc import Callable
from typing import Any

import pytest
import redis
from django import forms
from django.contrib.auth.models import AnonymousUser, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict

from progress_app import connections
from progress_app.events import State
from progress_app.exceptions import BackendUnavailable
from tasks_app import lifecycle, outbox, registry
from tasks_app.models import Attachment, Task
from tests.factories import QUICK, TaskFactory
from tests.tasks_app.conftest import Broker

pytestmark = pytest.mark.django_db(transaction=True)


class Tags(forms.Form):
    tags = forms.MultipleChoiceField(choices=[("a", "a"), ("b", "b")], required=False)


class Upload(Tags):
    upload = forms.FileField()


def nothing(progress: object, **_values: Any) -> None: ...


def away(*_args: Any, **_options: Any) -> None:
    raise BackendUnavailable("away")


# Enqueue


def test_a_task_is_committed_before_it_is_published(staff: User, inbox: list[Task]) -> None:
    task = lifecycle.enqueue("rehearsal", user=staff, data=QUICK)
    assert inbox == [task]
    kept = Task.objects.get(pk=task.pk)
    assert (kept.state, kept.owner, kept.attempt, kept.published_at) == (State.QUEUED, staff, 0, None)
    assert kept.params == QUICK | {"known_total": True}


def test_publishing_names_the_next_attempt_and_is_noted(staff: User, broker: Broker, inbox: list[Task]) -> None:
    task = lifecycle.enqueue("rehearsal", user=staff, data=QUICK)
    assert outbox.publish(task)
    [(name, options)] = broker.sent
    assert (name, options["task_id"], options["args"]) == ("tasks_app.run", f"{task.pk}.1", [str(task.pk)])
    task.refresh_from_db()
    assert task.published_at is not None


def test_a_broker_that_is_away_costs_the_user_nothing(staff: User, broker: Broker, inbox: list[Task]) -> None:
    broker.away = True
    task = lifecycle.enqueue("rehearsal", user=staff, data=QUICK)
    assert not outbox.publish(task)
    task.refresh_from_db()
    assert (task.state, task.published_at) == (State.QUEUED, None)


@pytest.mark.parametrize("data", [{}, QUICK | {"steps": 0}, QUICK | {"seconds": "nan"}, QUICK | {"stages": "many"}])
def test_values_that_do_not_fit_keep_nothing(staff: User, inbox: list[Task], data: dict[str, Any]) -> None:
    with pytest.raises(registry.BadParameters):
        lifecycle.enqueue("rehearsal", user=staff, data=data)
    assert not Task.objects.exists()
    assert inbox == []


def test_who_may_not_start_a_job_keeps_nothing(owner: User, inbox: list[Task]) -> None:
    for nobody in (owner, AnonymousUser()):
        with pytest.raises(lifecycle.NotAllowed):
            lifecycle.enqueue("rehearsal", user=nobody, data=QUICK)
    assert not Task.objects.exists()


def test_an_unknown_job_is_named(staff: User) -> None:
    with pytest.raises(registry.UnknownJob, match="Known jobs"):
        lifecycle.enqueue("nonsense", user=staff, data={})


def test_files_and_lists_are_kept_and_come_back_typed(
    staff: User, inbox: list[Task], catalogue: Callable[..., registry.Job]
) -> None:
    job = catalogue(nothing, form=Upload)
    upload = SimpleUploadedFile("../../etc/pass\nwd.csv", b"a,b\n1,2\n")
    task = lifecycle.enqueue("a_job", user=staff, data={"tags": ["a", "b"]}, files={"upload": upload})
    from tasks_app import attachments  # noqa: PLC0415

    values = job.bind(task.params, attachments.inputs(task))
    assert values["tags"] == ["a", "b"]
    assert (values["upload"].name, values["upload"].size) == ("passwd.csv", 8)
    with values["upload"].open("rb") as opened:
        assert opened.read() == b"a,b\n1,2\n"


@pytest.mark.parametrize("query", ["tags=a", "tags=a&tags=b", "tags=b&other=x"])
def test_a_field_of_several_values_is_a_list_however_many_were_chosen(
    staff: User, inbox: list[Task], catalogue: Callable[..., registry.Job], query: str
) -> None:
    job = catalogue(nothing, form=Tags)
    task = lifecycle.enqueue("a_job", user=staff, data=QueryDict(query))
    assert job.bind(task.params)["tags"] == QueryDict(query).getlist("tags")


# Cancel


def test_a_waiting_task_is_cancelled_at_once_and_its_end_is_told(owner: User, redis_db: redis.Redis) -> None:
    task = TaskFactory.create(owner=owner)
    lifecycle.cancel(task, user=owner)
    task.refresh_from_db()
    assert (task.state, task.finished_at is not None, task.end_sent) == (State.CANCELLED, True, True)
    shown = connections.backend().read_snapshot(str(task.pk))
    assert shown is not None
    assert shown.state is State.CANCELLED


def test_a_running_task_is_asked(owner: User, redis_db: redis.Redis) -> None:
    task = TaskFactory.create(owner=owner, running=True)
    lifecycle.cancel(task, user=owner)
    task.refresh_from_db()
    assert (task.state, task.finished_at) == (State.CANCELLING, None)
    assert redis_db.hget(f"headway:{{{task.pk}}}:state", "cancel")
    assert lifecycle.cancel(task, user=owner).state == State.CANCELLING, "asking twice is no fault"


def test_a_fault_of_redis_does_not_touch_the_cancel(owner: User, staff: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for verb in ("publish", "request_cancel"):
        monkeypatch.setattr(connections.backend(), verb, away)
    waiting, running = TaskFactory.create(owner=owner), TaskFactory.create(running=True)
    assert lifecycle.cancel(waiting, user=owner).state == State.CANCELLED
    assert lifecycle.cancel(running, user=staff).state == State.CANCELLING
    waiting.refresh_from_db()
    assert not waiting.end_sent, "maintenance sends it"


def test_an_ended_task_cannot_be_cancelled(owner: User) -> None:
    with pytest.raises(lifecycle.Refused, match="already ended"):
        lifecycle.cancel(TaskFactory.create(owner=owner, ended=True), user=owner)


def test_only_owner_and_staff_cancel_and_retry(colleague: User, stranger: User, group: Any) -> None:
    for person in (colleague, stranger):
        with pytest.raises(lifecycle.NotAllowed):
            lifecycle.cancel(TaskFactory.create(group=group), user=person)
        with pytest.raises(lifecycle.NotAllowed):
            lifecycle.retry(TaskFactory.create(group=group, ended=True), user=person)


# Retry


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
