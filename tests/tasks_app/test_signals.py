"""What a worker does between tasks."""

import socket
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from celery.signals import task_prerun
from django.db import OperationalError, connections

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


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The server's end of the connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs, monkeypatch.context() as patch:
        patch.setattr(connections["default"], "connection", SimpleNamespace(fileno=ours.fileno))
        patch.setattr(connections["default"], "_close", lambda: None)
        yield theirs


def test_one_whose_server_has_gone_is_not(begins: Callable[[], bool], server: socket.socket) -> None:
    server.close()
    assert not begins()


def test_one_that_knows_that_it_is_closed_is_not(
    begins: Callable[[], bool], server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed() -> int:
        raise OperationalError("the connection is closed")

    monkeypatch.setattr(connections["default"].connection, "fileno", closed)
    assert not begins()


def test_one_whose_server_says_nothing_is_kept(begins: Callable[[], bool], server: socket.socket) -> None:
    assert begins()


def test_a_transaction_is_left_alone(begins: Callable[[], bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections["default"], "in_atomic_block", True)
    monkeypatch.setattr(connections["default"], "errors_occurred", True)
    assert begins()
