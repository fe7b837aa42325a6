"""Who may pass which door, and what becomes of it when rights end."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from progress_app.events import State
from tasks_app.models import Task
from tests.conftest import PASSWORD
from tests.factories import TaskFactory
from tests.tasks_app.doors.table import CAST, DOORS, NOWHERE, Door

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "redis_db", "inbox")]
ABOUT_A_TASK = [door for door in DOORS if "{task}" in door.path or door.name.startswith("token")]


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_who_may_pass_which_door(people: dict[str, Client], ended: Task, door: Door) -> None:
    file = ended.attachments.get().pk
    outcomes = tuple(door.tried(people[name], ended.pk, file) for name in CAST)
    assert outcomes == door.expected


@pytest.mark.parametrize("door", ABOUT_A_TASK, ids=lambda door: door.name)
def test_who_may_not_see_a_task_cannot_tell_it_from_none(people: dict[str, Client], ended: Task, door: Door) -> None:
    for name, outcome in zip(CAST, door.expected, strict=True):
        if outcome not in (200, 302):
            assert door.tried(people[name], NOWHERE) == outcome, name


def test_what_a_list_does_not_show_is_nowhere_on_its_page(people: dict[str, Client], ended: Task) -> None:
    for name, client in people.items():
        page = client.get("/tasks/?scope=all").content.decode()
        assert (str(ended.pk) in page) is (name in ("owner", "colleague", "staff")), name


def test_a_refused_verb_changes_nothing(people: dict[str, Client], owner: User, group: Group) -> None:
    waiting = TaskFactory.create(owner=owner, group=group)
    for name in ("colleague", "stranger", "inactive", "nobody"):
        people[name].post(f"/tasks/{waiting.pk}/cancel/")
        people[name].post(f"/tasks/{waiting.pk}/retry/")
        people[name].post("/admin/tasks_app/task/", {"action": "cancel", "_selected_action": [str(waiting.pk)]})
    waiting.refresh_from_db()
    assert waiting.state == State.QUEUED
    assert Task.objects.count() == 1


def test_who_leaves_the_group_stops_seeing_its_tasks_at_once(
    people: dict[str, Client], ended: Task, colleague: User, group: Group
) -> None:
    colleague.groups.remove(group)
    for door in (door for door in ABOUT_A_TASK if door.expected[1] == 200):
        assert door.tried(people["colleague"], ended.pk) == door.expected[CAST.index("stranger")], door.name


def test_who_is_staff_no_more_sees_and_starts_nothing(people: dict[str, Client], ended: Task, staff: User) -> None:
    User.objects.filter(pk=staff.pk).update(is_staff=False, is_superuser=False)
    for door in DOORS:
        assert door.tried(people["staff"], ended.pk) == door.expected[CAST.index("stranger")], door.name


def test_who_is_deactivated_cannot_log_in(stranger: User) -> None:
    User.objects.filter(pk=stranger.pk).update(is_active=False)
    client = Client()
    assert client.post("/login/", {"username": "stranger", "password": PASSWORD}).status_code == 200
    assert client.get("/tasks/").status_code == 302


def test_a_deleted_owner_s_task_belongs_to_staff_alone(people: dict[str, Client], owner: User) -> None:
    task = TaskFactory.create(owner=owner, ended=True)
    owner.delete()
    assert people["staff"].get(f"/tasks/{task.pk}/").status_code == 200
    for name in ("owner", "stranger", "nobody"):
        assert people[name].get(f"/tasks/{task.pk}/").status_code in (302, 404), name
