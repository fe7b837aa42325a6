"""Every door, with who may pass it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core import signals
from django.db import close_old_connections
from django.test import Client

from progress_app.authorizer import _Handler
from tests.factories import QUICK
from tests.progress_app.asgi import http_scope

CAST = ("owner", "colleague", "staff", "stranger", "inactive", "nobody")
NOWHERE = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Door:
    """A way in. `expected` has an outcome for each of the cast: a status, or "login" for being sent there."""

    name: str
    path: str
    expected: tuple[int | str, ...]
    method: str = "get"
    data: Any = None

    def tried(self, client: Client, task: object, file: object = 0) -> int | str:
        """What comes of trying it on a task."""
        path = self.path.format(task=task, file=file)
        if self.name.startswith("stream"):
            return stream_status(client, path)
        body = self.data(task) if callable(self.data) else self.data
        sent = {"content_type": "application/json"} if isinstance(body, str) else {}
        response: Any = getattr(client, self.method)(path, body, **sent)
        response.getvalue()  # to its end, which closes a file
        sent_away = response.status_code == 302 and "/login/?" in response["Location"]
        return "login" if sent_away else response.status_code


def stream_status(client: Client, path: str) -> int:
    """What Django answers to the gateway; within the test's transaction, so that the connection must stay."""
    cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    moments = (signals.request_started, signals.request_finished)
    for moment in moments:
        moment.disconnect(close_old_connections)
    try:
        return _Handler().answer(http_scope(path.encode(), [(b"cookie", cookie.encode())])).status
    finally:
        for moment in moments:
            moment.connect(close_old_connections)


def asks_for(channel: str) -> Callable[[object], str]:
    return lambda task: f'{{"channels": ["{channel.format(task=task)}"]}}'


IN = "login"
DOORS = [
    #                                                         owner colleague staff stranger inactive nobody
    Door("catalogue", "/", (200, 200, 200, 200, IN, IN)),
    Door("job form", "/jobs/rehearsal/", (404, 404, 200, 404, IN, IN)),
    Door("start", "/jobs/rehearsal/", (404, 404, 302, 404, IN, IN), "post", QUICK),
    Door("list", "/tasks/?scope=all", (200, 200, 200, 200, IN, IN)),
    Door("many", "/tasks/many/", (302, 302, 302, 302, IN, IN), "post", {"verb": "cancel"}),
    Door("page", "/tasks/{task}/", (200, 200, 200, 404, IN, IN)),
    Door("cancel", "/tasks/{task}/cancel/", (302, 404, 302, 404, IN, IN), "post"),
    Door("retry", "/tasks/{task}/retry/", (302, 404, 302, 404, IN, IN), "post"),
    Door("log", "/tasks/{task}/log/", (200, 200, 200, 404, IN, IN)),
    Door("tell me", "/tasks/{task}/tell-me/", (302, 302, 302, 404, IN, IN), "post"),
    Door("share", "/tasks/{task}/share/", (200, 404, 200, 404, IN, IN), "post", {"days": "7"}),
    Door("revoke", "/tasks/{task}/share/", (302, 404, 302, 404, IN, IN), "post", {"revoke": "1"}),
    Door("file", "/tasks/{task}/files/{file}/report.csv", (200, 200, 200, 404, IN, IN)),
    Door("snapshot", "/tasks/{task}/snapshot/", (200, 200, 200, 404, 404, 404)),
    Door("widget", "/tasks/{task}/widget/", (200, 200, 200, 404, 404, 404)),
    Door("token", "/events/token/", (200, 200, 200, 403, 401, 401), "post", asks_for("task-{task}")),
    Door("token of the log", "/events/token/", (200, 200, 200, 403, 401, 401), "post", asks_for("task-{task}.log")),
    Door("token of all", "/events/token/", (403, 403, 200, 403, 401, 401), "post", asks_for("tasks")),
    Door("stream", "/events/?channel=task-{task}", (200, 200, 200, 403, 401, 401)),
    Door("stream of the log", "/events/?channel=task-{task}.log", (200, 200, 200, 403, 401, 401)),
    Door("stream of all", "/events/?channel=tasks", (403, 403, 200, 403, 401, 401)),
    Door("stream of ops", "/events/?channel=ops", (403, 403, 200, 403, 401, 401)),
    Door("inner door", "/events/authorize/?channel=task-{task}", (404,) * 6),
    Door("admin", "/admin/", (IN, IN, 200, IN, IN, IN)),
    Door("admin's list", "/admin/tasks_app/task/", (IN, IN, 200, IN, IN, IN)),
    Door("admin's page", "/admin/tasks_app/task/{task}/change/", (IN, IN, 200, IN, IN, IN)),
    Door("doctor", "/doctor/", (403, 403, 200, 403, IN, IN)),
    Door("doctor's tick", "/doctor/tick/", (403, 403, 204, 403, IN, IN), "post", {"number": "0"}),
    Door("operations", "/ops/", (404, 404, 200, 404, IN, IN)),
    Door("figures of operations", "/ops/now/", (404, 404, 200, 404, IN, IN)),
    Door("notices", "/notices/", (200, 200, 200, 200, IN, IN)),
    Door("notices seen", "/notices/seen/", (204, 204, 204, 204, IN, IN), "post", {"until": "1"}),
    Door("health", "/health/", (200,) * 6),
]
