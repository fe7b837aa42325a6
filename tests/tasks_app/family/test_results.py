"""A parent gives its worker back, and goes on with what its children came to."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from redis import Redis

from progress_app.events import Children, Snapshot, State
from tasks_app import children, family
from tasks_app.models import Family, Task
from tests.factories import TaskFactory
from tests.tasks_app.conftest import Broker, stop
from tests.tasks_app.family.relatives import Catalogue, Numbered, again, run, run_children, shown, square, states

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_db", "broker")]
HOUR_S = 3_600.0


def test_a_parent_gives_its_worker_back_and_goes_on_with_the_results(
    parent: Callable[..., Task], broker: Broker
) -> None:
    task = parent([1, 2, 3])
    assert (task.state, task.lease_until, task.worker, task.has_children) == ("running", None, "", True)
    assert (shown(task).state, shown(task).children, shown(task).percent) == ("running", Children(total=3), 0.0)
    run_children(task, 2, 0)
    assert (again(task).state, shown(task).children.done, shown(task).percent) == ("running", 2, 66.6)
    run_children(task, 1)
    assert (again(task).state, broker.sent[-1][1]["task_id"]) == ("queued", f"{task.pk}.2")
    task = run(task)
    assert (task.state, task.result) == ("succeeded", {"sum": 14, "failed": 0, "errors": []})
    assert [entry.text for entry in task.log_entries()] == ["spreading", "adding up"]
    assert (shown(task).percent, shown(task).children) == (100.0, Children(total=3, done=3))


def test_the_bar_gives_the_children_their_stage(parent: Callable[..., Task]) -> None:
    task = parent([1, 2], stages=("Read", "Square", "Add"), stage="Square", unit="numbers")
    run_children(task, 0)
    told = shown(task)
    assert (told.percent, told.current, told.total, told.unit) == (16.6, 1, 2, "numbers")
    assert [stage.percent for stage in told.stages][1] == 50.0
    run_children(task, 1)
    run(task)
    assert [stage.state for stage in shown(task).stages] == ["done", "done", "done"]


def test_the_stage_of_the_children_took_as_long_as_they_did(parent: Callable[..., Task], redis_db: Redis) -> None:
    task = parent([1], stages=("Read", "Square", "Add"), stage="Square")
    parked = Snapshot.from_json(task.family.snapshot)
    an_hour_ago = replace(parked, ts=parked.ts - HOUR_S).to_json().decode()
    Family.objects.filter(parent=task).update(snapshot=an_hour_ago)
    redis_db.flushdb()
    children.tend()
    told = shown(task).stages[1]
    assert (told.state, (told.seconds or 0) >= HOUR_S) == ("running", True)
    run_children(task, 0)
    run(task)
    took = {stage.name: stage.seconds or 0 for stage in shown(task).stages}
    assert took["Square"] >= HOUR_S > took["Read"] + took["Add"]
    assert again(task).pace["Square"][-1] >= HOUR_S, "the next run's forecast knows it"


def test_a_checkpoint_of_another_version_holds_no_family_up(parent: Callable[..., Task]) -> None:
    task = parent([2], stages=("Square",), stage="Square")
    Task.objects.filter(pk=task.pk).update(checkpoint='{"v": "of the future"}')
    run_children(task, 0)
    assert run(task).result == {"sum": 4, "failed": 0, "errors": []}


def test_failures_are_told_to_the_next_step(parent: Callable[..., Task]) -> None:
    task = parent([1, 13, 3], on_failure="go on")
    run_children(task, 0, 1, 2)
    assert run(task).result == {"sum": 10, "failed": 1, "errors": ["Thirteen brings bad luck."]}


def test_the_first_failure_stops_a_family_that_is_to_stop(parent: Callable[..., Task]) -> None:
    task = parent([13, 1, 2], on_failure="stop")
    run_children(task, 0)
    assert states(task) == ["failed", "cancelled", "cancelled"]
    assert shown(task).children == Children(total=3, failed=3)
    task = run(task)
    assert (task.state, task.error_code) == ("failed", "children_failed")
    assert task.error_text == "3 of 3 parts did not end well; part 1: Thirteen brings bad luck."


def test_a_running_sibling_is_asked_to_stop(parent: Callable[..., Task]) -> None:
    task = parent([13, 1])
    Task.objects.filter(parent=task, number=1).claim(worker="other", lease_s=45)
    run_children(task, 0)
    assert states(task) == ["failed", "cancelling"]
    assert again(task).state == "running"
    other = Task.objects.filter(parent=task, number=1)
    other.finish(attempt=1, state=State.CANCELLED)
    children.ended(other.get(), State.CANCELLED)
    assert again(task).state == "queued"


def test_a_family_that_failed_is_not_tried_again(catalogue: Catalogue) -> None:
    catalogue(square, "square", form=Numbered)
    catalogue(lambda progress: progress.map("square", [{"number": 13}]), "spread", max_attempts=5)
    task = run(TaskFactory.create(job="spread", params={}))
    run_children(task, 0)
    assert run(task).state == "failed"


def test_without_a_next_step_the_task_ends_with_a_count(parent: Callable[..., Task]) -> None:
    task = parent([1, 13], None, on_failure="go on")
    run_children(task, 0, 1)
    assert run(task).result == {"children": 2, "done": 1, "failed": 1}


def test_no_children_are_all_children(parent: Callable[..., Task]) -> None:
    task = parent([])
    assert task.state == "queued"
    assert run(task).result == {"sum": 0, "failed": 0, "errors": []}


def test_a_step_that_is_gone_from_the_code_is_named(parent: Callable[..., Task]) -> None:
    task = parent([])
    Family.objects.update(then="tests.gone.step")
    assert (run(task).state, task.error_code) == ("failed", "unknown_step")


def test_a_then_that_is_handed_back_runs_again_as_the_then(
    parent: Callable[..., Task], monkeypatch: pytest.MonkeyPatch, own_process: None
) -> None:
    task = parent([3])
    run_children(task, 0)
    with monkeypatch.context() as meanwhile, pytest.raises(SystemExit):
        meanwhile.setattr(family.Results, "__iter__", stop)
        run(task)
    assert again(task).state == "queued"
    assert run(task).result == {"sum": 9, "failed": 0, "errors": []}
