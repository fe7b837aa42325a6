"""Who may read what: the fixed cast against every channel and every page."""

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import Client

from tasks_app.permissions import may_read, visible_tasks
from tests.factories import TaskFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "redis_db")]
CAST = ("owner", "colleague", "staff", "stranger", "inactive", "anonymous")


@pytest.fixture
def inactive(owner: User) -> User:
    return User.objects.create_user("gone", is_staff=True, is_superuser=True, is_active=False)


@pytest.fixture
def anonymous() -> AnonymousUser:
    return AnonymousUser()


@pytest.fixture
def task(owner: User, group: Any) -> Any:
    return TaskFactory.create(owner=owner, group=group, ended=True)


@pytest.fixture
def cast(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {name: request.getfixturevalue(name) for name in CAST}


def readers(cast: dict[str, Any], channel: str) -> set[str]:
    return {name for name, person in cast.items() if may_read(person, channel)}


def test_channels(cast: dict[str, Any], task: Any) -> None:
    own = cast["owner"].pk
    assert readers(cast, f"task-{task.pk}") == {"owner", "colleague", "staff"}
    assert readers(cast, f"task-{task.pk}.log") == {"owner", "colleague", "staff"}
    assert readers(cast, f"user-{own}") == {"owner"}
    assert readers(cast, f"user-{own}.tasks") == {"owner"}
    assert readers(cast, "tasks") == readers(cast, "ops") == {"staff"}
    for name in (f"task-{uuid.uuid4()}", "anything", "", "a b", "x" * 500, "task-", "user-"):
        assert readers(cast, name) == set(), name


def test_lists(cast: dict[str, Any], task: Any) -> None:
    seen = {name for name, person in cast.items() if task in visible_tasks(person)}
    assert seen == {"owner", "colleague", "staff"}


def client_of(person: Any) -> Client:
    client = Client()
    if not isinstance(person, AnonymousUser):
        client.force_login(person)
    return client


def test_a_task_s_page_is_404_for_who_may_not_see_it(cast: dict[str, Any], task: Any) -> None:
    for name, person in cast.items():
        status = client_of(person).get(f"/tasks/{task.pk}/").status_code
        away = 302 if name in ("anonymous", "inactive") else 404
        assert status == (200 if name in ("owner", "colleague", "staff") else away), name


@pytest.mark.parametrize("verb", ["cancel", "retry"])
def test_verbs_are_404_for_who_may_not_use_them(cast: dict[str, Any], task: Any, verb: str) -> None:
    for name in ("colleague", "stranger"):
        assert client_of(cast[name]).post(f"/tasks/{task.pk}/{verb}/").status_code == 404, name
    assert client_of(cast["anonymous"]).post(f"/tasks/{task.pk}/{verb}/").status_code == 302


def test_only_who_may_start_a_job_sees_it(cast: dict[str, Any]) -> None:
    for name, person in cast.items():
        away = 302 if name in ("anonymous", "inactive") else 404
        status = client_of(person).get("/jobs/rehearsal/").status_code
        assert status == (200 if name == "staff" else away), name
    assert b"Rehearsal" not in client_of(cast["owner"]).get("/").content
