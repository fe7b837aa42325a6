"""What falls through is done again by maintenance, once."""

from collections.abc import Callable

import pytest
from redis import Redis

from progress_app.events import Children, State
from tasks_app import children, maintenance
from tasks_app.models import Task
from tasks_app.record import recorded_snapshot
from tests.tasks_app.conftest import Broker
from tests.tasks_app.family.relatives import again, run_children, shown, states

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_db", "broker")]


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
