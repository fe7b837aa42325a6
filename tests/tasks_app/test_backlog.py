"""Waiting tasks are published again where there is reason to, and nowhere else."""

from datetime import timedelta
from typing import Any

import pytest
import redis
from django.utils import timezone

from tasks_app import backlog, epoch, probe
from tasks_app.models import Probe, Task
from tests.factories import TaskFactory
from tests.tasks_app.conftest import Broker

pytestmark = pytest.mark.django_db(transaction=True)


def ago(seconds: float) -> Any:
    return timezone.now() - timedelta(seconds=seconds)


def waiting(published_s: float, **fields: Any) -> Task:
    """Give a task whose message went to the broker so many seconds ago."""
    return TaskFactory.create(created_at=ago(published_s), published_at=ago(published_s), **fields)


def claimed(published_s: float, **fields: Any) -> Task:
    return TaskFactory.create(running=True, published_at=ago(published_s), **fields)


def doubted() -> set[Task]:
    backlog.look()
    return set(Task.objects.filter(published_at=None))


def test_ten_thousand_tasks_that_simply_wait_cost_one_probe(broker: Broker) -> None:
    Task.objects.bulk_create(Task(job="rehearsal", created_at=ago(600), published_at=ago(600)) for _ in range(10_000))
    for _ in range(3):
        assert backlog.look() == 0
        assert backlog.publish() == 0
    [(name, options)] = broker.sent
    assert (name, options["queue"], options["priority"]) == ("tasks_app.probe", "default", 5)


def test_a_task_that_waits_for_a_short_time_is_not_probed(broker: Broker) -> None:
    waiting(5)
    assert doubted() == set()
    assert broker.sent == []


def test_a_task_that_a_much_later_one_overtook_is_published_again(broker: Broker) -> None:
    lost = waiting(120)
    recent = waiting(85)
    claimed(80)
    assert doubted() == {lost}, "the recent one was published less than 30 s before the one that was claimed"
    assert backlog.publish() == 1
    assert broker.sent[0][1]["task_id"] == f"{lost.pk}.1"
    assert recent.published_at is not None


@pytest.mark.parametrize("line", [{"queue": "long"}, {"priority": 0}])
def test_only_the_same_queue_and_priority_tell_anything(broker: Broker, line: dict[str, Any]) -> None:
    waiting(120)
    claimed(60, **line)
    assert doubted() == set()


def test_a_task_that_was_cancelled_while_it_waited_has_overtaken_nobody(broker: Broker) -> None:
    waiting(120)
    Task.objects.filter(pk=waiting(60).pk).cancel_waiting()
    assert backlog.look() == 0


def test_what_was_published_before_a_probe_that_has_run_is_published_again(broker: Broker) -> None:
    lost = waiting(60)
    backlog.look()
    waiting(-1)
    [(_, options)] = broker.sent
    probe.answer(*options["args"])
    assert doubted() == {lost}
    assert backlog.publish() == 1
    assert backlog.look() == 0, "an answer is used once"


def test_a_line_has_one_probe_at_a_time_and_a_lost_one_is_followed_by_another(broker: Broker) -> None:
    waiting(60)
    assert probe.send("default", 5, again_after_s=600)
    assert not probe.send("default", 5, again_after_s=600)
    Probe.objects.update(sent_at=ago(700))
    assert probe.send("default", 5, again_after_s=600)


def test_an_old_probe_that_runs_late_takes_nothing_back(broker: Broker) -> None:
    probe.send("default", 5, again_after_s=600)
    probe.answer("default", 5, ago(10).isoformat())
    probe.answer("default", 5, ago(100).isoformat())
    newest = probe.answered("default", 5)
    assert newest is not None
    assert newest > ago(20)


def test_a_probe_that_the_broker_may_not_have_is_sent_in_the_next_round(broker: Broker) -> None:
    waiting(60)
    broker.away = True
    backlog.look()
    broker.away = False
    backlog.look()
    assert [name for name, _ in broker.sent] == ["tasks_app.probe"]


def test_a_broker_that_lost_its_data_gets_every_waiting_task_again(redis_db: redis.Redis) -> None:
    epoch.begin()
    tasks = {waiting(1), waiting(20)}
    claimed(60)
    assert backlog.look() == 0
    redis_db.delete(epoch.KEY)
    assert backlog.look() == 2
    assert tasks == set(Task.objects.filter(published_at=None))
    assert not epoch.is_lost(), "once"


def test_a_broker_that_does_not_answer_has_lost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> Any:
        raise ConnectionError("away")

    monkeypatch.setattr("tasks_app.epoch.current_app.connection_for_write", away)
    assert not epoch.is_lost()
    epoch.begin()


def test_a_task_that_is_to_wait_is_not_published_before_its_time(broker: Broker) -> None:
    TaskFactory.create(created_at=ago(60), state="retrying", next_at=ago(-60))
    due = TaskFactory.create(created_at=ago(60), state="retrying", next_at=ago(1))
    assert backlog.publish() == 1
    assert broker.sent[0][1]["args"] == [str(due.pk)]
