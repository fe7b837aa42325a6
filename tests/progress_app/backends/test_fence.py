"""The contract of a backend: older attempts, and whatever follows an end, are refused."""

import pytest

from progress_app.backends.base import Backend, Verdict
from progress_app.events import State
from tests.progress_app.backends.stores import LOG, lines, texts
from tests.progress_app.doubles import OTHER_TASK, TASK, snapshot


def test_an_older_attempt_is_refused_and_leaves_nothing(backend: Backend) -> None:
    backend.publish(snapshot(attempt=2, message="newer"), lines("kept"))
    before = backend.read_snapshot(TASK)
    answer = backend.publish(snapshot(attempt=1, message="older"), lines("refused"))
    assert answer.verdict is Verdict.SUPERSEDED
    assert before is not None
    assert answer.pos == before.pos
    assert backend.read_snapshot(TASK) == before
    assert texts(backend.replay(LOG, None, 10)) == ["kept"]


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED, State.CANCELLED, State.LOST])
@pytest.mark.parametrize("then", [State.RUNNING, State.FAILED])
def test_after_its_end_an_attempt_is_refused_and_leaves_nothing(backend: Backend, state: State, then: State) -> None:
    end = backend.publish(snapshot(state=state))
    answer = backend.publish(snapshot(state=then), lines("refused"))
    assert (answer.verdict, answer.pos) == (Verdict.ENDED, end.pos)
    newest = backend.read_snapshot(TASK)
    assert newest is not None
    assert newest.state is state
    assert backend.replay(LOG, None, 10) == []


def test_a_newer_attempt_goes_on_after_an_end(backend: Backend) -> None:
    end = backend.publish(snapshot(state=State.FAILED))
    answer = backend.publish(snapshot(attempt=2))
    assert (answer.verdict, answer.pos) == (Verdict.ACCEPTED, end.pos + 1)
    assert backend.publish(snapshot(attempt=2)).verdict is Verdict.ACCEPTED
    assert backend.publish(snapshot(attempt=1, state=State.SUCCEEDED)).verdict is Verdict.SUPERSEDED


def test_an_attempt_of_one_task_is_no_matter_to_another(backend: Backend) -> None:
    backend.publish(snapshot(attempt=5, state=State.FAILED))
    assert backend.publish(snapshot(task=OTHER_TASK, attempt=1)).verdict is Verdict.ACCEPTED
