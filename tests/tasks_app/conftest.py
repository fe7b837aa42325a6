"""Jobs that exist for a test alone, and the broker's end of the outbox."""

import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from billiard.common import TERM_SIGNAL

from tasks_app import epoch, interrupts, outbox, registry
from tasks_app.models import Task


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> Callable[..., registry.Job]:
    """Give a function that adds a job for this test: `catalogue(function, **options)`."""
    monkeypatch.setattr(registry, "_jobs", dict(registry._jobs))

    def add(function: Callable[..., Any], name: str = "a_job", **options: Any) -> registry.Job:
        function.__name__ = name
        registry.job(**{"title": name, **options})(function)
        return registry.get(name)

    return add


class Broker:
    """What was published; `away` makes it refuse."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.away = False
        self.tries = 0
        self.later: list[tuple[Task, float]] = []

    def send_task(self, name: str, **options: Any) -> None:
        self.tries += 1
        if self.away:
            raise ConnectionError("the broker is away")
        self.sent.append((name, options))


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    """Stand between the outbox and Celery."""
    double = Broker()
    monkeypatch.setattr(outbox, "current_app", double)
    monkeypatch.setattr(outbox, "put_later", lambda task, after_s: double.later.append((task, after_s)))
    monkeypatch.setattr(epoch, "is_lost", lambda: False)
    return double


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch) -> list[Task]:
    """Collect what is put into the outbox instead of publishing it in its thread."""
    put: list[Task] = []
    monkeypatch.setattr(outbox, "put", put.append)
    return put


@pytest.fixture
def own_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run as in a child of a prefork pool, whose worker's signal ends it."""
    monkeypatch.setattr(interrupts, "owns_process", lambda: True)
    former = signal.signal(TERM_SIGNAL, lambda *_: sys.exit(1))
    yield
    signal.signal(TERM_SIGNAL, former)


def stop(_progress: Any = None, **_values: Any) -> None:
    signal.raise_signal(TERM_SIGNAL)
