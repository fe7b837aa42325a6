"""A parent that has made its children."""

from collections.abc import Callable
from typing import Any

import pytest

from tasks_app.models import Task
from tests.factories import TaskFactory
from tests.tasks_app.family.relatives import Catalogue, Numbered, run, square


def add_up(progress: Any, *, children: Any, **_given: Any) -> dict[str, Any]:
    progress.log("adding up")
    done = [child.result for child in children if child.is_done]
    errors = [child.error.text for child in children if child.error]
    return {"sum": sum(done), "failed": children.failed, "errors": errors}


@pytest.fixture
def parent(catalogue: Catalogue) -> Callable[..., Task]:
    """Give a function that runs the first step of a task with these numbers as its children."""

    def run_parent(numbers: list[Any], then: Any = add_up, stages: tuple[str, ...] = (), **how: Any) -> Task:
        def spread(progress: Any) -> None:
            progress.log("spreading")
            progress.map("square", [{"number": number} for number in numbers], then, **how)

        catalogue(square, "square", form=Numbered, internal=True)
        catalogue(spread, "spread", stages=stages)
        return run(TaskFactory.create(job="spread", params={}))

    return run_parent
