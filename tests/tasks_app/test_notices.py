"""Who is told that a task has ended, and how often."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext

from progress_app import connections
from progress_app.channels import user_channel
from progress_app.events import State
from progress_app.exceptions import BackendUnavailable
from tasks_app import announce, endings, notices, registry, runner
from tasks_app.models import Attachment, Subscription, Task
from tasks_app.permissions import may_read
from tasks_app.seen import MOST_APART, see, seen_by
from tests.factories import TaskFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_db")]
Catalogue = Callable[..., registry.Job]


def told(user: User) -> list[dict[str, Any]]:
    entries = connections.backend().replay(user_channel(user.pk), None, 100)
    assert {entry.event for entry in entries} <= {"notification"}
    return [json.loads(entry.data) for entry in entries]


def run(job: registry.Job, owner: User) -> Task:
    task = TaskFactory.create(job=job.name, owner=owner, params={})
    runner.run(str(task.pk), worker="worker@test")
    task.refresh_from_db()
    return task


def fail(_progress: Any) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize(("function", "state"), [(lambda _progress: None, "succeeded"), (fail, "failed")])
def test_the_owner_is_told_once_that_the_task_ended(
    catalogue: Catalogue, owner: User, function: Callable[..., Any], state: str
) -> None:
    task = run(catalogue(function), owner)
    announce.announce_end(task)
    [notice] = told(owner)
    assert (notice["task"], notice["state"], notice["title"]) == (str(task.pk), state, "a_job")
    assert notice["url"] == f"/tasks/{task.pk}/"


def test_a_title_travels_as_it_was_written_for_each_page_to_say_it(owner: User) -> None:
    with translation.override("de"):
        announce.announce_end(TaskFactory.create(owner=owner, ended=True))
        assert gettext("Rehearsal") == "Probelauf"
    assert [notice["title"] for notice in told(owner)] == ["Rehearsal"]


def test_who_asked_is_told_too_and_who_may_no_longer_see_it_is_not(
    owner: User, colleague: User, stranger: User, group: Any
) -> None:
    task = TaskFactory.create(owner=owner, group=group, ended=True)
    for user in (owner, colleague, stranger):
        Subscription.objects.create(task=task, user=user)
    announce.announce_end(task)
    assert [len(told(user)) for user in (owner, colleague, stranger)] == [1, 1, 0]


@pytest.mark.parametrize("state", [State.CANCELLED, State.RUNNING, State.RETRYING])
def test_no_other_state_is_told(owner: User, state: State) -> None:
    assert notices.tell(TaskFactory.create(owner=owner), state)
    assert told(owner) == []


def test_children_are_their_parent_s_business(owner: User) -> None:
    child = TaskFactory.create(owner=owner, ended=True, parent=TaskFactory.create(owner=owner))
    announce.announce_end(child)
    assert told(owner) == []


@pytest.mark.parametrize("fault", [BackendUnavailable("away"), DatabaseError("away")])
def test_a_notice_that_could_not_be_told_is_told_by_maintenance(
    catalogue: Catalogue, owner: User, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(notices, "_recipients", _raising(fault))
        task = run(catalogue(lambda _progress: None), owner)
    assert (task.state, task.end_sent, told(owner)) == (State.SUCCEEDED, False, [])
    endings.tell()
    endings.tell()
    assert len(told(owner)) == 1


def test_a_fault_of_ours_does_not_touch_the_task(
    catalogue: Catalogue, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "_recipients", _raising(ZeroDivisionError()))
    task = run(catalogue(lambda _progress: None), owner)
    assert (task.state, task.end_sent) == (State.SUCCEEDED, True)


def test_each_reads_their_own_newest_notices_and_nobody_else_s(client: Client, owner: User, stranger: User) -> None:
    for job in ("first", "second"):
        announce.announce_end(TaskFactory.create(owner=owner, ended=True, job=job))
    assert client.get("/notices/").status_code == 302
    client.force_login(owner)
    answer = client.get("/notices/")
    assert [one["job"] for one in answer.json()["notices"]] == ["first", "second"]
    assert answer["Retry-After"] == "10"
    assert client.get("/notices/", headers={"If-None-Match": answer["ETag"]}).status_code == 304
    client.force_login(stranger)
    assert client.get("/notices/", headers={"If-None-Match": answer["ETag"]}).json()["notices"] == []
    assert not may_read(stranger, user_channel(owner.pk))


def test_of_many_notices_the_newest_are_read(owner: User) -> None:
    for number in range(notices.NEWEST + 3):
        connections.backend().append(user_channel(owner.pk), notices.EVENT, b"%d" % number)
    _, body = notices.newest(owner.pk)
    assert json.loads(body)["notices"] == list(range(3, notices.NEWEST + 3))


def seen(client: Client) -> Any:
    return client.get("/notices/").json()["seen"]


def test_what_is_seen_is_the_account_s_and_only_grows(client: Client, owner: User, stranger: User) -> None:
    task = TaskFactory.create(owner=owner, ended=True)
    client.force_login(owner)
    tag = client.get("/notices/")["ETag"]
    assert seen(client) == {"until": 0, "tasks": []}
    for given, status in (
        ({"until": "2.5"}, 204),
        ({"until": "1"}, 204),
        ({"task": task.pk}, 204),
        ({"task": "x"}, 400),
    ):
        assert client.post("/notices/seen/", given).status_code == status
    for bad in ({}, {"until": "nan"}, {"until": "inf"}, {"until": "soon"}):
        assert client.post("/notices/seen/", bad).status_code == 400
    assert seen(client) == {"until": 2.5, "tasks": [str(task.pk)]}
    assert client.get("/notices/", headers={"If-None-Match": tag}).status_code == 200
    client.post("/notices/seen/", {"until": "9e99"})
    assert seen(client)["until"] <= time.time(), "what is still to come cannot be seen"
    client.force_login(stranger)
    assert seen(client) == {"until": 0, "tasks": []}


def test_of_many_tasks_seen_by_their_pages_the_newest_are_kept(owner: User) -> None:
    for number in range(MOST_APART + 2):
        see(owner.pk, str(number))
    assert seen_by(owner.pk).apart == [str(number) for number in range(2, MOST_APART + 2)]


def test_a_notice_names_the_files_that_the_task_was_given(owner: User) -> None:
    task = TaskFactory.create(owner=owner, ended=True, job="profile_csv")
    for name, field in (("orders.csv", "upload"), ("report.html", "")):
        Attachment.objects.create(task=task, field=field, name=name, size=1, file="x")
    assert notices.tell(task, State.SUCCEEDED)
    assert notices.tell(TaskFactory.create(owner=owner, ended=True), State.SUCCEEDED)
    assert [notice["files"] for notice in told(owner)] == [["orders.csv"], []]


def _raising(fault: Exception) -> Callable[..., Any]:
    def fail(*_: Any) -> Any:
        raise fault

    return fail
