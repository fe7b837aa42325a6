"""Tasks in the Django admin: a record to read, the same verbs, the same number of queries for any page."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import strip_tags

from progress_app.events import State
from tasks_app import admin as task_admin
from tasks_app import lifecycle, search
from tasks_app.models import Attachment, Task
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


def test_search_is_that_of_the_task_list(ops: Client) -> None:
    failed, waits = TaskFactory.create(state=State.FAILED), TaskFactory.create()
    Attachment.objects.create(task=waits, field="file", name="orders.csv", file="x", size=1)
    wanted = {"state:failed": failed, "Failed": failed, "orders": waits, "job:Rehearsal orders": waits}
    assert {text: listed(ops, f"?q={text}") for text in wanted} == {text: [task] for text, task in wanted.items()}
    assert "in the newest 100,000 tasks" in ops.get("/admin/tasks_app/task/").content.decode()


def test_search_by_the_beginning_of_the_id(ops: Client) -> None:
    wanted, other = TaskFactory.create(), TaskFactory.create()
    page = ops.get(f"{LIST}?q={str(wanted.pk)[:13]}").content.decode()
    assert str(wanted.pk) in page
    assert str(other.pk) not in page


def test_an_id_is_found_however_old_its_task_and_words_in_the_newest(
    ops: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MOST_SEARCHED", 1)
    old = TaskFactory.create(message="torn", created_at=timezone.now() - timedelta(days=400))
    TaskFactory.create(message="torn")
    assert listed(ops, f"?q={old.pk}") == [old]
    assert len(listed(ops, "?q=torn")) == 1


def test_children_are_found_and_not_listed(ops: Client) -> None:
    parent = TaskFactory.create()
    child = TaskFactory.create(parent=parent, message="one of many")
    assert listed(ops, "") == [parent]
    assert listed(ops, "?q=many") == [child]


def test_a_job_is_chosen_by_its_title_and_one_that_is_gone_by_its_name(ops: Client) -> None:
    gone, _ = TaskFactory.create(job="gone"), TaskFactory.create()
    assert listed(ops, "?job=gone") == [gone]
    assert b">Rehearsal</a>" in ops.get("/admin/tasks_app/task/").content


def listed(ops: Client, query: str) -> list[Task]:
    return list(ops.get(f"/admin/tasks_app/task/{query}").context["cl"].result_list)


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


@pytest.mark.parametrize("verb", ["cancel", "retry"])
def test_the_chosen_ones_are_changed_by_one_task_whose_record_is_shown(ops: Client, staff: User, verb: str) -> None:
    tasks = TaskFactory.create_batch(3)
    page = act(ops, verb, *tasks[:2])
    bulk = Task.objects.get(job="change_tasks")
    assert (bulk.owner, bulk.params["verb"], bulk.state) == (staff, verb, State.QUEUED)
    assert set(bulk.params["ids"].split()) == {str(task.pk) for task in tasks[:2]}
    assert f'data-channel="task-{bulk.pk}"' in page


def test_all_that_match_the_filter_are_changed_not_only_the_page(ops: Client) -> None:
    failed = TaskFactory.create_batch(60, state=State.FAILED)
    TaskFactory.create()
    data = {"action": "retry", "_selected_action": [str(failed[0].pk)], "select_across": "1"}
    ops.post(f"{LIST}?state__exact=failed", data)
    ids = Task.objects.get(job="change_tasks").params["ids"].split()
    assert set(ids) == {str(task.pk) for task in failed}


def test_more_than_one_task_may_change_are_refused_with_the_remedy(
    ops: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_admin, "MOST_AT_ONCE", 2)
    page = act(ops, "cancel", *TaskFactory.create_batch(3))
    assert "At most 2 at once" in page
    assert not Task.objects.filter(job="change_tasks").exists()


def test_a_record_and_its_page_lead_to_each_other(ops: Client) -> None:
    task = TaskFactory.create(ended=True)
    record = f"{LIST}{task.pk}/change/"
    assert record in ops.get(task.get_absolute_url()).content.decode()
    assert f'href="{task.get_absolute_url()}"' in ops.get(record).content.decode()
    assert f'href="{task.get_absolute_url()}"' in ops.get(LIST).content.decode()


def test_staff_who_may_only_look_have_no_actions(client: Client) -> None:
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_task"))
    client.force_login(viewer)
    task = TaskFactory.create()
    assert client.get(LIST).status_code == 200
    act(client, "cancel", task)
    assert not Task.objects.filter(job="change_tasks").exists()


def test_who_is_no_staff_stays_outside(client: Client, owner: User) -> None:
    client.force_login(owner)
    response: Any = client.get(LIST)
    assert response.status_code == 302


def test_the_record_says_who_started_a_task_as_its_page_does(ops: Client, owner: User, staff: User) -> None:
    task = TaskFactory.create(owner=owner, running=True, origin="page 127.0.0.1")
    lifecycle.cancel(task, user=staff)
    page = ops.get(f"{LIST}{task.pk}/change/").content.decode()
    line = " ".join(strip_tags(page.partition("Who did what")[2].partition("</section>")[0]).split())
    assert "owner started it page 127.0.0.1" in line
    assert "staff asked to cancel it" in line
