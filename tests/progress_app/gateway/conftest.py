"""A task, and who asks for its stream: its owner and somebody without a session."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from progress_app import connections, tokens
from progress_app.gateway import Gateway
from tasks_app.models import Task
from tests.factories import TaskFactory
from tests.progress_app.asgi import Browser, session


@pytest.fixture
def task(owner: User) -> Task:
    return TaskFactory.create(owner=owner, running=True)


@pytest.fixture
def theirs(gateway: Gateway, owner: User) -> Browser:
    """Return the owner's browser."""
    return Browser(gateway, session(owner))


@pytest.fixture
def nobody(gateway: Gateway) -> Browser:
    """Return a browser without a session."""
    return Browser(gateway)


@pytest.fixture
def token(task: Task) -> Callable[..., str]:
    """Give the address of a stream by token: of the task, or of `channels`."""

    def make(*channels: str, transport: str = "sse") -> str:
        wanted = channels or (f"task-{task.pk}",)
        keep = connections.shelf().keep
        made = tokens.issue(keep, prefix="headway", user=task.owner_id, channels=wanted, ttl_s=60, transport=transport)
        return f"/events/?token={made}"

    return make
