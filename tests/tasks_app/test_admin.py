"""Tasks in the Django admin: a record to read, the same verbs, the same number of queries for any page."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from progress_app.events import State
from tasks_app.models import Task
from tests.factories import TaskFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "redis_db", "inbox")]
LIST = "/admin/tasks_app/task/"


@pytest.fixture
def ops(client: Client, staff: User) -> Client:
    client.force_login(staff)
    return client


def act(client: Client, action: str, *tasks: Task) -> str:
    data = {"action": action, "_selected_action": [str(task.pk) for task in tasks]}
    return client.post(LIST, data, follow=True).content.decode()


def test_the_list_shows_what_ops_look_for(ops: Client) -> None:
    TaskFactory.create(running=True, percent=42.0, owner__username="carla")
    page = ops.get(LIST).content.decode()
    for part in ("Rehearsal", "running", "42", "carla", "worker@test"):
        assert part in page


def test_queries_do_not_grow_with_the_page(ops: Client) -> None:
    counts = []
    for more in (5, 45):
        TaskFactory.create_batch(more, ended=True)
        with CaptureQueriesContext(connection) as queries:
            assert ops.get(LIST).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("query", ["state=running", "job=rehearsal", "q=carla", "created_at__year=2026", "o=-3"])
def test_filters_search_dates_and_order(ops: Client, query: str) -> None:
    TaskFactory.create(running=True, owner__username="carla")
    assert ops.get(f"{LIST}?{query}").status_code == 200


def test_search_by_the_beginning_of_the_id(ops: Client) -> None:
    wanted, other = TaskFactory.create(), TaskFactory.create()
    page = ops.get(f"{LIST}?q={str(wanted.pk)[:13]}").content.decode()
    assert str(wanted.pk) in page
    assert str(other.pk) not in page


def test_a_record_is_read_not_written(ops: Client) -> None:
    task = TaskFactory.create(ended=True, traceback="line 7")
    page = ops.get(f"{LIST}{task.pk}/change/").content.decode()
    assert "line 7" in page
    assert "<textarea" not in page
    assert ops.get(f"{LIST}add/").status_code == 403
    assert ops.post(f"{LIST}{task.pk}/delete/", {"post": "yes"}).status_code == 403
    ops.post(f"{LIST}{task.pk}/change/", {"state": "running"})
    task.refresh_from_db()
    assert task.state == State.SUCCEEDED


def test_cancel_goes_through_lifecycle_and_says_what_did_not_fit(ops: Client) -> None:
    waiting, running, ended = TaskFactory.create(), TaskFactory.create(running=True), TaskFactory.create(ended=True)
    page = act(ops, "cancel", waiting, running, ended)
    assert "2 of 3 tasks" in page
    assert "already ended" in page
    states = {task.pk: task.state for task in Task.objects.all()}
    assert (states[waiting.pk], states[running.pk]) == (State.CANCELLED, State.CANCELLING)


def test_retry_makes_new_tasks(ops: Client) -> None:
    ended, waiting = TaskFactory.create(ended=True), TaskFactory.create()
    page = act(ops, "retry", ended, waiting)
    assert "1 of 2 tasks" in page
    assert Task.objects.filter(retry_of=ended).count() == 1


def test_staff_who_may_only_look_have_no_actions(client: Client) -> None:
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_task"))
    client.force_login(viewer)
    task = TaskFactory.create()
    assert client.get(LIST).status_code == 200
    act(client, "cancel", task)
    task.refresh_from_db()
    assert task.state == State.QUEUED


def test_who_is_no_staff_stays_outside(client: Client, owner: User) -> None:
    client.force_login(owner)
    response: Any = client.get(LIST)
    assert response.status_code == 302
