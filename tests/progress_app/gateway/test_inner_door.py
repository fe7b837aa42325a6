"""The sub-request that authorizes: nobody outside comes in by it, and a websocket not at all."""

from typing import Any

import pytest

from progress_app.gateway import Gateway
from tasks_app.models import Task
from tests.progress_app.asgi import Browser

pytestmark = pytest.mark.usefixtures("transactional_db", "redis_db")
# The inner door
MARKS = [(b"progress_app.authorize", b"1"), (b"progress-app.authorize", b"1"), (b"x-progress-app-authorize", b"true")]


@pytest.mark.parametrize(
    "path",
    ["/events/authorize/", "/events/%61uthorize/", "//events/authorize/", "/events/./authorize/"],
)  # fmt: skip
async def test_nobody_outside_is_authorized_whatever_mark_they_forge(theirs: Browser, task: Task, path: str) -> None:
    query = f"?channel=task-{task.pk}&progress_app.authorize=1"
    answer = await theirs.get(path + query, MARKS)
    assert answer.status == 404
    assert b'"user"' not in answer.body


async def test_a_websocket_is_closed(gateway: Gateway) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await gateway({"type": "websocket", "path": "/events/", "headers": []}, receive, send)
    assert sent == ["websocket.close"]
