"""The contract of a backend: a cancel is told with every answer."""

import pytest

from progress_app.backends.base import Backend
from progress_app.events import State
from tests.progress_app.doubles import OTHER_TASK, TASK, snapshot


def test_a_cancel_is_told_with_every_answer(backend: Backend) -> None:
    assert backend.publish(snapshot()).cancel_requested_at is None
    backend.request_cancel(TASK, 1_790_000_000.25)
    assert backend.publish(snapshot()).cancel_requested_at == 1_790_000_000.25
    assert backend.publish(snapshot()).cancel_requested_at == 1_790_000_000.25
    assert backend.publish(snapshot(task=OTHER_TASK)).cancel_requested_at is None


def test_the_first_cancel_wins(backend: Backend) -> None:
    backend.request_cancel(TASK, 2.0)
    backend.request_cancel(TASK, 1.0)
    assert backend.publish(snapshot()).cancel_requested_at == 2.0


@pytest.mark.parametrize("at", [1_790_000_000.123456, 0.1 + 0.2, 1e-9, 1_790_000_000.0000002])
def test_the_time_of_a_cancel_is_exact(backend: Backend, at: float) -> None:
    backend.request_cancel(TASK, at)
    assert backend.publish(snapshot()).cancel_requested_at == at


def test_who_is_refused_learns_of_the_cancel_too(backend: Backend) -> None:
    backend.publish(snapshot(attempt=2, state=State.FAILED))
    backend.request_cancel(TASK, 3.5)
    assert backend.publish(snapshot(attempt=2)).cancel_requested_at == 3.5
    assert backend.publish(snapshot(attempt=1)).cancel_requested_at == 3.5
    assert backend.publish(snapshot(attempt=3)).cancel_requested_at == 3.5
