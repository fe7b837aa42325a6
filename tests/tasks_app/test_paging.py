"""A long list is counted up to a bound."""

from typing import Any

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


@pytest.mark.parametrize("few", [10, 2], ids=["held", "sought"])
def test_the_pages_of_a_word_hold_what_was_found_in_its_order(
    client: Client, staff: User, monkeypatch: pytest.MonkeyPatch, settings: Any, few: int
) -> None:
    monkeypatch.setattr(paging, "FEW", few)
    settings.TASKS_PAGE_SIZE = 2
    tasks = [TaskFactory.create(owner=staff, message="torn") for _ in range(5)]
    TaskFactory.create_batch(3, owner=staff, message="whole")
    client.force_login(staff)
    pages = [client.get(f"/tasks/?q=torn&sort=oldest&page={number}").context["page_obj"] for number in (1, 2, 3)]
    assert [list(page) for page in pages] == [tasks[:2], tasks[2:4], tasks[4:]]
    assert {page.paginator.count for page in pages} == {5}


def test_a_frequent_word_is_counted_up_to_the_bound(
    client: Client, staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "FEW", 2)
    monkeypatch.setattr(paging, "MOST_COUNTED", 3)
    TaskFactory.create_batch(4, owner=staff, message="torn")
    client.force_login(staff)
    assert "more than 3 tasks" in " ".join(client.get("/tasks/?q=torn").content.decode().split())
