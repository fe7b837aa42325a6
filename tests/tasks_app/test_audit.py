"""Who did what with a task, when and from where."""

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import AsyncClient, Client

from tasks_app import audit, lifecycle, origin, runner, sharing
from tasks_app.audit import trail
from tasks_app.models import AuditEntry, Task
from tasks_app.refusal import Refused
from tests.factories import QUICK, TaskFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("inbox", "redis_db", "static_files")]
Line = tuple[str, str, str]


def told(task: Task) -> list[Line]:
    return [(deed.who, deed.verb, deed.origin) for deed in trail(task)]


def test_the_start_is_the_first_line(client: Client, staff: User) -> None:
    client.force_login(staff)
    client.post("/jobs/rehearsal/", QUICK)
    assert told(Task.objects.get()) == [("staff", "started", "web 127.0.0.1")]


def test_what_people_do_follows_in_order(client: Client, staff: User) -> None:
    client.force_login(staff)
    task = TaskFactory.create(owner=staff)
    client.post(f"/tasks/{task.pk}/cancel/")
    client.post(f"/tasks/{task.pk}/retry/")
    lines = [("staff", "started", ""), ("staff", "cancelled", "web 127.0.0.1"), ("staff", "retried", "web 127.0.0.1")]
    assert told(task) == lines
    assert trail(task)[-1].detail == str(Task.objects.get(retry_of=task).pk)


def test_changed_input_is_told_apart(staff: User) -> None:
    task = TaskFactory.create(owner=staff, ended=True)
    lifecycle.retry(task, user=staff, data=QUICK | {"steps": 5})
    assert told(task)[-1][1] == "changed"


def test_a_second_cancel_is_no_second_line(staff: User) -> None:
    task = TaskFactory.create(owner=staff, running=True)
    for _ in range(2):
        lifecycle.cancel(task, user=staff)
    assert [verb for _, verb, _ in told(task)] == ["started", "cancelled"]


def test_what_was_refused_leaves_no_line(staff: User) -> None:
    task = TaskFactory.create(ended=True)
    with pytest.raises(Refused):
        lifecycle.cancel(task, user=staff)
    assert not AuditEntry.objects.exists()


def test_the_admin_and_the_command_line_are_named(client: Client, staff: User) -> None:
    client.force_login(staff)
    task = TaskFactory.create()
    client.post("/admin/tasks_app/task/", {"action": "cancel", "_selected_action": [str(task.pk)]})
    runner.run(str(Task.objects.get(job="change_tasks").pk), worker="worker@one")
    assert told(task)[-1] == ("staff", "cancelled", "admin 127.0.0.1")
    call_command("run_job", "rehearsal", *(f"{name}={value}" for name, value in QUICK.items()), user="staff")
    assert Task.objects.get(owner=staff, job="rehearsal").origin.startswith("command line of ")


def test_links_are_part_of_the_trail(staff: User) -> None:
    task = TaskFactory.create()
    sharing.share(task, days=7, user=staff)
    sharing.revoke(task, user=staff)
    assert [verb for _, verb, _ in told(task)] == ["started", "shared", "unshared"]


def test_a_deleted_account_keeps_its_name(owner: User, staff: User) -> None:
    task = TaskFactory.create(owner=owner)
    lifecycle.cancel(task, user=staff)
    staff.delete()
    assert told(task)[-1][0] == "staff"


def test_the_trail_costs_one_query(django_assert_num_queries: object) -> None:
    task = Task.objects.select_related("owner").get(pk=TaskFactory.create().pk)
    for _ in range(3):
        audit.note(task, "shared", None)
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert len(trail(task)) == 4


def test_what_is_done_outside_of_any_door_has_no_origin() -> None:
    with origin.coming_from("x" * 200):
        assert origin.current() == "x" * 100
    assert origin.current() == ""


@pytest.mark.django_db(transaction=True)
async def test_under_asgi_the_door_is_known_too(staff: User) -> None:
    client = AsyncClient()
    await client.aforce_login(staff)
    await client.post("/jobs/rehearsal/", QUICK)
    task = await Task.objects.select_related("owner").aget()
    assert task.origin == "web 127.0.0.1"


def test_the_page_shows_who_did_what(client: Client, staff: User) -> None:
    client.force_login(staff)
    task = TaskFactory.create(owner__username="<b>carla</b>")
    page = client.get(f"/tasks/{task.pk}/").content.decode()
    assert "Who did what" in page
    assert "&lt;b&gt;carla" in page
