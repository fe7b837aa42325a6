"""What a worker does between tasks."""

from collections.abc import Callable

import pytest
from celery.signals import task_prerun
from django.db import connections

from tasks_app.models import Task

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def begins() -> Callable[[], bool]:
    """Let a task begin; whether it does so on the connection of the last one."""

    def begin() -> bool:
        before = connections["default"].connection
        task_prerun.send(sender="a test", task_id="1", task=None, args=(), kwargs={})
        return connections["default"].connection is before

    assert not Task.objects.exists()  # it is open now
    return begin


def test_a_connection_that_works_is_kept(begins: Callable[[], bool]) -> None:
    assert begins()


def test_one_on_which_something_failed_is_not(begins: Callable[[], bool]) -> None:
    connections["default"].errors_occurred = True
    assert not begins()
    assert not Task.objects.exists()


def test_one_that_died_unnoticed_is_found_out(begins: Callable[[], bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections["default"], "health_check_enabled", True)
    monkeypatch.setattr(connections["default"], "is_usable", lambda: False)
    assert not begins()


def test_a_transaction_is_left_alone(begins: Callable[[], bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections["default"], "in_atomic_block", True)
    monkeypatch.setattr(connections["default"], "errors_occurred", True)
    assert begins()
