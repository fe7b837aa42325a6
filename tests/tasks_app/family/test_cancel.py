"""A cancel of the parent is one of all its children."""

from collections.abc import Callable
from typing import Any

import pytest

from progress_app import connections
from progress_app.events import Children, State
from tasks_app import children, lifecycle
from tasks_app.models import Family, Task
from tests.factories import TaskFactory
from tests.tasks_app.family.relatives import Catalogue, Numbered, again, run, run_children, shown, square, states

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_db", "broker")]


def test_cancelling_the_parent_cancels_the_children(parent: Callable[..., Task], staff: Any) -> None:
    task = parent([1, 2, 3])
    run_children(task, 0)
    lifecycle.cancel(task, user=staff)
    assert (again(task).state, states(task)) == ("cancelled", ["succeeded", "cancelled", "cancelled"])
    told = connections.backend().read_snapshot(str(task.pk))
    assert told is not None
    assert (told.state, told.children) == ("cancelled", Children(total=3, done=1, failed=2))


def test_a_parent_is_cancelled_when_its_running_child_has_agreed(parent: Callable[..., Task], staff: Any) -> None:
    task = parent([1, 2])
    child = Task.objects.filter(parent=task, number=0)
    child.claim(worker="other", lease_s=45)
    lifecycle.cancel(task, user=staff)
    assert (again(task).state, states(task)) == ("cancelling", ["cancelling", "cancelled"])
    assert shown(task).state == "cancelling"
    child.finish(attempt=1, state=State.CANCELLED)
    children.ended(child.get(), State.CANCELLED)
    assert again(task).state == "cancelled"


def test_a_cancel_that_comes_before_the_children_are_made_makes_none(catalogue: Catalogue) -> None:
    def spread(progress: Any) -> None:
        progress.map("square", [{"number": 1}])
        Task.objects.filter(job="spread").request_cancel()

    catalogue(square, "square", form=Numbered)
    catalogue(spread, "spread")
    task = run(TaskFactory.create(job="spread", params={}))
    assert (task.state, Task.objects.count(), Family.objects.count()) == ("cancelled", 1, 0)
