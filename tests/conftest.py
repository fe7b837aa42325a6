"""Fixtures of the whole suite: the cast of users, and the real processes and browser."""

import pytest
from django.contrib.auth.models import Group, User

import config.celery  # noqa: F401 - so that shared tasks go to the project's broker

pytest_plugins = ["tests.stack", "tests.chromium", "tests.postgresql", "tests.emulators.fixtures"]

PASSWORD = "correct horse battery staple"


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
