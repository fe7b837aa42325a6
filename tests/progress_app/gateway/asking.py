"""What a browser asks for, what its task has told, and the answer that lets it come back."""

import time
from typing import Any

from progress_app import connections
from progress_app.events import LogEntry, Snapshot, State
from tasks_app.models import Task
from tests.progress_app.asgi import Answer


def report(task: Task, state: State = State.RUNNING, *log: str, **values: Any) -> int:
    shown = Snapshot(task=str(task.pk), job=task.job, attempt=1, state=state, ts=time.time(), **values)
    entries = [LogEntry(task=str(task.pk), text=text, ts=1.0) for text in log]
    return connections.backend().publish(shown, entries).pos


def url(*channels: object, **more: str) -> str:
    return "/events/?" + "&".join([f"channel={name}" for name in channels] + [f"{k}={v}" for k, v in more.items()])


def expect_come_back(answer: Answer) -> None:
    """A stream that ends at once and says that it is worth another try."""
    assert (answer.status, answer.ended, answer.names) == (200, True, ["stream-error"])
    assert answer.events[0].data["retryable"] is True
    assert answer.body.startswith(b"retry: ")
