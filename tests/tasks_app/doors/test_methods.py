"""Which methods the doors take, and from which sites."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tasks_app.models import Task
from tests.tasks_app.doors.table import DOORS, Door

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "redis_db", "inbox")]
# Methods
NO_PAGES = ("admin", "stream", "inner door")
PAGES = [door for door in DOORS if door.method == "get" and not door.name.startswith(NO_PAGES)]


@pytest.mark.parametrize("door", PAGES, ids=lambda door: door.name)
def test_head_is_a_get_without_a_body_and_other_methods_are_refused(
    people: dict[str, Client], ended: Task, door: Door
) -> None:
    path = door.path.format(task=ended.pk, file=ended.attachments.get().pk)
    head: Any = people["staff"].head(path)
    assert (head.status_code, head.getvalue()) == (200, b"")
    refused = {"put", "delete", "patch", "options", "trace"}
    assert {getattr(people["staff"], method)(path).status_code for method in refused} == {405}


@pytest.mark.parametrize("door", [door for door in DOORS if door.method == "post"], ids=lambda door: door.name)
def test_a_post_of_another_site_is_refused(staff: User, ended: Task, door: Door) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff)
    assert door.tried(client, ended.pk) == 403
    assert Task.objects.count() == 1
