"""Families of tasks: made at once or not at all, rolled up, stopped, cancelled, and gone on from, once."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django import forms
from django.db import connection
from django.test.utils import CaptureQueriesContext
from redis import Redis

from progress_app import connections
from progress_app.events import Children, Snapshot, State
from progress_app.exceptions import UsageError
from tasks_app import children, family, lifecycle, maintenance, registry, runner
from tasks_app.models import Family, Task
from tasks_app.record import recorded_snapshot
from tests.factories import TaskFactory
from tests.tasks_app.conftest import Broker, stop

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_db", "broker")]
Catalogue = Callable[..., registry.Job]
HOUR_S = 3_600.0


class Numbered(forms.Form):
    number = forms.IntegerField(min_value=0)


def square(progress: Any, *, number: int) -> int:
    if number == 13:
        raise registry.JobError("unlucky", "Thirteen brings bad luck.")
    return number * number


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


# Bad input


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


# Cancelling


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


# What falls through


def test_the_last_child_that_could_not_tell_is_noticed_by_maintenance(parent: Callable[..., Task]) -> None:
    task = parent([1])
    Task.objects.filter(parent=task).update(state="succeeded", finished_at=task.started_at, result=1)
    maintenance.maintain()
    assert again(task).state == "queued"


def test_the_parent_moves_on_once(parent: Callable[..., Task], broker: Broker) -> None:
    task = parent([1])
    run_children(task, 0)
    sent = len(broker.sent)
    children.conclude(task.pk)
    children.ended(task.children.get(), State.SUCCEEDED)
    maintenance.maintain()
    assert len(broker.sent) == sent


def test_a_redis_that_lost_its_data_is_told_by_maintenance(parent: Callable[..., Task], redis_db: Redis) -> None:
    task = parent([1, 2, 3, 4])
    run_children(task, 0, 3)
    redis_db.flushdb()
    record = recorded_snapshot(str(task.pk))
    assert record is not None
    assert (record.state, record.percent, record.children) == ("running", 50.0, Children(total=4, done=2))
    maintenance.maintain()
    assert (shown(task).percent, shown(task).children) == (50.0, Children(total=4, done=2))


def test_a_next_step_whose_message_was_lost_is_published_again(parent: Callable[..., Task], broker: Broker) -> None:
    task = parent([1])
    broker.away = True
    run_children(task, 0)
    assert (again(task).state, task.published_at) == ("queued", None)
    broker.away = False
    maintenance.maintain()
    assert broker.sent[-1][1]["task_id"] == f"{task.pk}.2"


def test_a_stop_that_was_not_carried_out_is_by_maintenance(parent: Callable[..., Task]) -> None:
    task = parent([1, 2])
    Task.objects.filter(parent=task, number=0).update(state="lost", finished_at=task.started_at)
    maintenance.maintain()
    assert (states(task), again(task).state) == (["lost", "cancelled"], "queued")


def test_a_cancel_that_was_not_carried_out_is_by_maintenance(parent: Callable[..., Task]) -> None:
    task = parent([1, 2])
    Task.objects.filter(pk=task.pk).request_cancel()
    maintenance.maintain()
    assert (states(task), again(task).state) == (["cancelled", "cancelled"], "cancelled")


# Many


def test_children_are_published_a_few_at_a_time(parent: Callable[..., Task], broker: Broker, settings: Any) -> None:
    settings.TASKS_CHILDREN_AHEAD = 4
    task = parent(list(range(20, 30)))
    published = task.children.filter(published_at__isnull=False)
    assert [child.number for child in published.order_by("number")] == [0, 1, 2, 3]
    run_children(task, 0, 1)
    assert published.count() == 5
    run_children(task, 2)
    assert published.count() == 7
    maintenance.maintain()
    assert published.filter(finished_at=None).count() == 4


def test_a_child_costs_three_writes(parent: Callable[..., Task]) -> None:
    task = parent([1, 2, 3])
    with CaptureQueriesContext(connection) as queries:
        run_children(task, 1)
    writes = [query["sql"] for query in queries if query["sql"].startswith(("UPDATE", "INSERT"))]
    assert len(writes) == 2, "and one insert among all"


def test_ten_thousand_children_are_made_in_one_go(parent: Callable[..., Task], broker: Broker) -> None:
    task = parent([1] * 10_000)
    assert task.children.count() == 10_000
    assert len(broker.sent) == 200
    task.children.update(state="succeeded", finished_at=task.started_at, result=2)
    maintenance.maintain()
    assert run(task).result == {"sum": 20_000, "failed": 0, "errors": []}


def test_a_child_is_given_its_parents_files(catalogue: Catalogue) -> None:
    from django.core.files.base import ContentFile  # noqa: PLC0415

    from tasks_app import attachments  # noqa: PLC0415

    class WithFile(forms.Form):
        upload = forms.FileField()

    def read(_progress: Any, *, upload: Any) -> str:
        with upload.open() as file:
            return str(file.read(), "utf-8")

    catalogue(read, "read", form=WithFile)
    catalogue(lambda progress, **_: progress.map("read", [{}]), "spread", form=WithFile)
    task = TaskFactory.create(job="spread", params={})
    attachments.keep(task, ContentFile(b"for all"), "a.txt", field="upload")
    run(task)
    run_children(task, 0)
    assert task.children.get().result == "for all"


def test_a_childs_page_leads_to_its_parent_and_offers_no_second_run(
    parent: Callable[..., Task], client: Any, staff: Any, static_files: None
) -> None:
    task = parent([1])
    run_children(task, 0)
    client.force_login(staff)
    page = client.get(task.children.get().get_absolute_url()).content.decode()
    assert f'href="{task.get_absolute_url()}"' in page
    assert "/retry/" not in page
