"""Fixtures of the whole suite: the cast of users, and the real processes and browser."""

from collections.abc import Iterator

import pytest
import redis
from django.contrib.auth.models import Group, User

import config.celery  # noqa: F401 - so that shared tasks go to the project's broker
from progress_app import connections, patience
from progress_app.backends.redis import connect

pytest_plugins = ["tests.stack", "tests.chromium", "tests.postgresql", "tests.emulators.fixtures"]

PASSWORD = "correct horse battery staple"
_clients: list[redis.Redis] = []  # of backends; the last one may be in use still


def _noted(url: str) -> redis.Redis:
    _clients.append(client := connect(url))
    return client


connections.connect = _noted  # type: ignore[attr-defined]  # where it is used, not where it is from


@pytest.fixture(autouse=True)
def _redis_is_let_go() -> Iterator[None]:
    """Close what a backend opened that other settings replaced: else its sockets fail whichever test they end in."""
    yield
    patience._lost_s.clear()
    for client in _clients:
        client.connection_pool.disconnect(inuse_connections=False)
    del _clients[:-1]


@pytest.fixture
def group(db: None) -> Group:
    """Return the group of the owner and the colleague."""
    return Group.objects.create(name="crew")


@pytest.fixture
def owner(group: Group) -> User:
    """Return who starts the tasks of a test; in the group, no staff."""
    return _person("owner", group=group)


@pytest.fixture
def colleague(group: Group) -> User:
    """Return one of the owner's group."""
    return _person("colleague", group=group)


@pytest.fixture
def staff(db: None) -> User:
    """Return a member of staff with every right."""
    return _person("staff", is_staff=True, is_superuser=True)


@pytest.fixture
def stranger(db: None) -> User:
    """Return who has nothing to do with it."""
    return _person("stranger")


def _person(name: str, *, group: Group | None = None, is_staff: bool = False, is_superuser: bool = False) -> User:
    person = User.objects.create_user(name, password=PASSWORD, is_staff=is_staff, is_superuser=is_superuser)
    if group:
        person.groups.add(group)
    return person
