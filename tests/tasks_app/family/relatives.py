"""A parent's next step, and what becomes of it and its children."""

from collections.abc import Callable
from typing import Any

from django import forms

from progress_app import connections
from progress_app.events import Snapshot
from tasks_app import registry, runner
from tasks_app.models import Task

Catalogue = Callable[..., registry.Job]


class Numbered(forms.Form):
    number = forms.IntegerField(min_value=0)


def square(progress: Any, *, number: int) -> int:
    if number == 13:
        raise registry.JobError("unlucky", "Thirteen brings bad luck.")
    return number * number


def run(task: Task) -> Task:
    runner.run(str(task.pk), worker="worker@test")
    task.refresh_from_db()
    return task


def run_children(task: Task, *numbers: int) -> None:
    for number in numbers:
        run(Task.objects.get(parent=task, number=number))


def again(task: Task) -> Task:
    task.refresh_from_db()
    return task


def states(task: Task) -> list[str]:
    return list(task.children.order_by("number").values_list("state", flat=True))


def shown(task: Task) -> Snapshot:
    connections.backend().rolled_up(str(task.pk))
    found = connections.backend().read_snapshot(str(task.pk))
    assert found is not None
    return found
