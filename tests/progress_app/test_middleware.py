"""A Redis that hangs costs a page one time-out, and the pages after it none for a while."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import Client, RequestFactory

from progress_app import middleware, patience
from progress_app.backends import redis as redis_module
from progress_app.channels import task_channel
from tests.factories import TaskFactory
from tests.progress_app.deaf import Deaf

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


@pytest.fixture
def address(owner: User, client: Client, deaf: Deaf, settings: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the page of a running task, whose owner has logged in before Redis began to hang."""
    task = TaskFactory.create(owner=owner, running=True)
    client.force_login(owner)
    monkeypatch.setattr(redis_module, "TIMEOUT_S", 0.05)
    settings.PROGRESS_REDIS_URL = deaf.url
    return f"/tasks/{task.pk}/"


def test_a_page_waits_once(client: Client, address: str, deaf: Deaf) -> None:
    assert client.get(address).status_code == 200
    assert deaf.asked() == 1


async def test_an_asynchronous_chain_is_bounded_too() -> None:
    async def page(_request: HttpRequest) -> bool:
        return patience.is_short()

    assert await middleware.wait_once(page)(RequestFactory().get("/"))


def test_the_pages_after_it_do_not_wait(client: Client, address: str, deaf: Deaf) -> None:
    for _ in range(3):
        assert client.get(address).status_code == 200
    assert deaf.asked() == 1


def test_after_a_while_it_is_asked_again(
    client: Client, address: str, deaf: Deaf, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.get(address)
    monkeypatch.setattr(middleware, "REMEMBERED_S", 0.0)
    client.get(address)
    assert deaf.asked() == 2


def test_who_changes_something_asks_all_the_same(client: Client, address: str, deaf: Deaf) -> None:
    client.get(address)
    wanted = {"channels": [task_channel(address.split("/")[2])]}
    assert client.post("/events/token/", wanted, content_type="application/json").status_code == 503
    assert deaf.asked() == 2


def test_a_redis_that_answers_is_asked_by_every_page(client: Client, owner: User, redis_db: object) -> None:
    task = TaskFactory.create(owner=owner, running=True)
    client.force_login(owner)
    assert client.get(f"/tasks/{task.pk}/").status_code == 200
    assert not patience._lost_s
