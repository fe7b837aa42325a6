"""What makes no child: values that do not fit, unknown jobs, too many, a second map."""

from collections.abc import Callable
from typing import Any

import pytest

from progress_app.exceptions import UsageError
from tasks_app import lifecycle
from tasks_app.models import Family, Task
from tests.factories import TaskFactory
from tests.tasks_app.family.relatives import Catalogue, Numbered, run, run_children, square

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_db", "broker")]


@pytest.mark.parametrize(
    ("numbers", "how", "text"),
    [
        ([1, -1], {}, "child 1 of 'square'"),
        ([1, {1, 2}], {}, "child 1 of 'square'"),
        ([1], {"then": lambda: None}, "a function at the top of a module"),
        ([1], {"then": "tests.gone.step"}, "a function at the top of a module"),
        ([1], {"on_failure": "maybe"}, "expected one of stop, go on"),
    ],
)
def test_what_cannot_be_meant_makes_no_child(
    parent: Callable[..., Task], numbers: list[Any], how: dict[str, Any], text: str
) -> None:
    task = parent(numbers, **how)
    assert (task.state, Task.objects.count()) == ("failed", 1)
    assert "UsageError: map(" in task.traceback
    assert text in task.traceback


def test_an_unknown_job_is_named(catalogue: Catalogue) -> None:
    catalogue(lambda progress: progress.map("squre", [{}]), "spread")
    assert "No job named 'squre'" in run(TaskFactory.create(job="spread", params={})).traceback


def test_too_many_children_are_refused(parent: Callable[..., Task], settings: Any) -> None:
    settings.TASKS_MOST_CHILDREN = 2
    assert "at most 2" in parent([1, 2, 3]).traceback


@pytest.mark.parametrize("wrong", ["twice", "in a stage", "in a child", "in a then"])
def test_there_is_one_map_in_a_task(catalogue: Catalogue, wrong: str) -> None:
    def spread(progress: Any) -> str:
        with pytest.raises(UsageError) as refused:
            if wrong == "in a stage":
                with progress.stage("A"):
                    progress.map("square", [])
            progress.map("square", [])
            progress.map("square", [])
        progress.fan = None
        return str(refused.value)

    catalogue(square, "square", form=Numbered)
    catalogue(spread, "spread")
    fields = {"in a child": {"parent": TaskFactory.create()}}.get(wrong, {})
    task = TaskFactory.create(job="spread", params={}, **fields)
    if wrong == "in a then":
        Family.objects.create(parent=task, total=0, then=f"{__name__}.map_again", on_failure="go on", low=0, high=0)
        task.has_children = True
        task.save()
    assert "map() " + {"in a stage": "inside the stage", "in a then": "in a `then`"}.get(wrong, wrong) in str(
        run(task).result
    )


def map_again(progress: Any, *, children: Any) -> str:
    with pytest.raises(UsageError) as refused:
        progress.map("square", [])
    return str(refused.value)


def test_children_are_started_by_their_parent_alone(parent: Callable[..., Task], staff: Any) -> None:
    task = parent([1])
    with pytest.raises(lifecycle.NotAllowed):
        lifecycle.enqueue("square", user=staff, data={"number": "1"})
    run_children(task, 0)
    with pytest.raises(lifecycle.Refused, match="part of another one"):
        lifecycle.retry(task.children.get(), user=staff)
