"""The example of docs/children.md, run as it stands there."""

import sys
from types import ModuleType

import pytest

from config.places import BASE
from progress_app.events import State
from tasks_app import registry, runner
from tasks_app.attempts import past_attempts, tries
from tasks_app.models import Task
from tests.documents import Document
from tests.factories import TaskFactory
from tests.tasks_app.conftest import Broker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_db")]


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> None:
    [block] = Document(BASE / "docs" / "children.md").blocks("python")
    module = ModuleType("children_page")
    monkeypatch.setattr(registry, "_jobs", dict(registry._jobs))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(block.code, str(block), "exec"), module.__dict__)  # noqa: S102  (our own page)


def run(task: Task) -> Task:
    runner.run(str(task.pk), worker="w")
    task.refresh_from_db()
    return task


def test_the_example_runs_as_it_stands(example: None, broker: Broker) -> None:
    task = run(TaskFactory.create(job="mail_all", params={"customers": 250}))
    assert [run(child).result for child in task.children.order_by("number")] == [100, 100, 50]
    assert run(task).result == {"customers": 250, "letters": 250, "failed": 0}


def test_its_letters_go_on_from_their_checkpoint(example: None, broker: Broker) -> None:
    child = TaskFactory.create(
        job="write_letters", params={"first": 0, "count": 100}, attempt=1, checkpoint='{"percent": 62.0, "data": 62}'
    )  # fmt: skip
    assert run(child).result == 100
    assert "Going on from 62 %" in child.log_entries()[0].text


def test_going_on_after_its_children_is_no_second_attempt(example: None, broker: Broker) -> None:
    task = run(TaskFactory.create(job="mail_all", params={"customers": 250}))
    assert tries(task) == 1
    for child in task.children.order_by("number"):
        run(child)
    task.refresh_from_db()
    assert (task.state, tries(task)) == (State.QUEUED, 1)
    task = run(task)
    assert (task.state, task.attempt, tries(task)) == (State.SUCCEEDED, 2, 1)


def test_an_attempt_that_failed_after_the_children_counts_as_the_first_one() -> None:
    past = {"number": 2, "worker": "w", "started_at": 1.0, "ended_at": 2.0, "ending": "failed"}
    parent = TaskFactory.build(has_children=True, attempt=3, state=State.RUNNING, past_attempts=[past])
    assert ([one.number for one in past_attempts(parent)], tries(parent)) == ([1], 2)
    plain = TaskFactory.build(attempt=3, state=State.RUNNING, past_attempts=[past])
    assert ([one.number for one in past_attempts(plain)], tries(plain)) == ([2], 3)
    cancelled = TaskFactory.build(
        has_children=True, attempt=1, state=State.CANCELLED, past_attempts=[past | {"number": 1}]
    )
    assert tries(cancelled) == 1
