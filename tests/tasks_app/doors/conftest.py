"""The people, each with a session, and a task that has ended."""

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.base import ContentFile
from django.test import Client

from tasks_app import attachments
from tasks_app.models import Task
from tests.factories import TaskFactory
from tests.tasks_app.doors.table import CAST


@pytest.fixture
def people(owner: User, colleague: User, staff: User, stranger: User) -> dict[str, Client]:
    """Return a browser for each of the cast; the inactive one, staff once, was deactivated while logged in."""
    clients = {name: Client(enforce_csrf_checks=False) for name in CAST}
    gone = User.objects.create_user("gone", is_staff=True, is_superuser=True)
    persons = {"owner": owner, "colleague": colleague, "staff": staff, "stranger": stranger, "inactive": gone}
    for name, person in persons.items():
        clients[name].force_login(person)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    return clients


@pytest.fixture
def ended(owner: User, group: Group) -> Task:
    """Return a task of the owner's, with a file, that the colleague's group may read."""
    task = TaskFactory.create(owner=owner, group=group, ended=True)
    attachments.keep(task, ContentFile(b"secret figures"), "report.csv")
    return task
