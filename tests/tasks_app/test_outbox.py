"""The publishing thread: nothing waits for it, and nothing is lost by it."""

from typing import Any

import pytest

from tasks_app import outbox
from tasks_app.models import Task
from tasks_app.outbox import Outbox
from tests.factories import TaskFactory
from tests.tasks_app.conftest import Broker

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_is_put_is_published_and_noted(broker: Broker) -> None:
    box, tasks = Outbox(), TaskFactory.create_batch(3)
    for task in tasks:
        box.put(task)
    box.flush()
    assert [options["args"][0] for _, options in broker.sent] == [str(task.pk) for task in tasks]
    assert not Task.objects.filter(published_at=None).exists()


def test_what_follows_closely_is_noted_by_one_write(broker: Broker, django_assert_max_num_queries: Any) -> None:
    box, tasks = Outbox(), TaskFactory.create_batch(3)
    for task in tasks:
        box._waiting.put(task)
    taken, sent = box._batch()
    assert (taken, sent) == (3, tasks)
    with django_assert_max_num_queries(1):
        outbox._note(sent)


def test_after_a_failure_what_comes_is_left_to_maintenance_for_a_while(broker: Broker) -> None:
    now_s = [100.0]
    box, tasks = Outbox(clock=lambda: now_s[0]), TaskFactory.create_batch(4)
    broker.away = True
    for task in tasks[:2]:
        box.put(task)
        box.flush()
        broker.away = False
    now_s[0] += 10
    for task in tasks[2:]:
        box.put(task)
    box.flush()
    assert set(Task.objects.filter(published_at=None)) == set(tasks[:2])


def test_a_broker_that_hangs_is_waited_for_once(broker: Broker) -> None:
    broker.away = True
    box = Outbox(clock=lambda: 100.0)
    for task in TaskFactory.create_batch(20):
        box.put(task)
    box.flush()
    assert broker.tries == 1


def test_a_full_outbox_does_not_make_a_click_wait(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Outbox()
    monkeypatch.setattr(box, "_start", lambda: None)
    box._waiting.maxsize = 1
    for task in TaskFactory.create_batch(2):
        box.put(task)
    assert box._waiting.qsize() == 1


def test_a_child_that_was_forked_starts_a_thread_of_its_own(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Outbox()
    box.put(TaskFactory.create())
    box.flush()
    started: list[bool] = []
    monkeypatch.setattr("tasks_app.errands.os.getpid", lambda: -1)
    monkeypatch.setattr("tasks_app.errands.threading.Thread.start", lambda _thread: started.append(True))
    box._start()
    box._start()
    assert started == [True]
