"""A task, and settings that the next test does not see."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from progress_app import connections, hosted
from tasks_app.models import Task


@pytest.fixture
def task(owner: User) -> Task:
    return Task.objects.create(job="rehearsal", owner=owner)


@pytest.fixture(autouse=True)
def _fresh(settings: Any) -> Iterator[None]:
    hosted._known.transport = ""
    connections._backend.cache_clear()  # another test's, which would be built anew with the settings of this one
    connections._transport.cache_clear()
    yield
    connections.close()  # before `settings` goes back: the publisher of the test's own settings
    carrier = connections.transport() if connections._transport.cache_info().currsize else None
    if carrier is not None:
        carrier.close()
    connections._transport.cache_clear()
    connections._backend.cache_clear()
