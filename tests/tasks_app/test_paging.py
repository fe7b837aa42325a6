"""A long list is counted up to a bound."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tasks_app import paging
from tests.factories import TaskFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "redis_db")]


@pytest.mark.parametrize(("tasks", "told"), [(3, "3 tasks"), (4, "more than 3 tasks")])
def test_a_list_is_counted_up_to_a_bound(
    client: Client, staff: User, monkeypatch: pytest.MonkeyPatch, tasks: int, told: str
) -> None:
    monkeypatch.setattr(paging, "MOST_COUNTED", 3)
    TaskFactory.create_batch(tasks, owner=staff, ended=True)
    client.force_login(staff)
    page = client.get("/tasks/")
    assert told in " ".join(page.content.decode().split())
    assert page.context["page_obj"].paginator.count == 3
