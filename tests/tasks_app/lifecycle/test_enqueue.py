"""Starting: the row first, then the broker; nothing is kept of what does not fit."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict

from progress_app.events import State
from tasks_app import lifecycle, outbox, registry
from tasks_app.models import Task
from tests.factories import QUICK
from tests.tasks_app.conftest import Broker
from tests.tasks_app.lifecycle.jobs import Tags, Upload, nothing

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_a_task_waits_in_the_line_of_its_job(staff: User, broker: Broker, inbox: list[Task], catalogue: Any) -> None:
    catalogue(nothing, queue="long", priority=2)
    task = lifecycle.enqueue("a_job", user=staff, data={})
    outbox.publish(task)
    [(_, options)] = broker.sent
    assert (options["queue"], options["priority"]) == ("long", 2)
