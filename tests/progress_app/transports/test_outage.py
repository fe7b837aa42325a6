"""A service that is away for ten minutes, on a given clock: the publisher, its thread and the service are real."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from progress_app import connections, hosted
from progress_app.breaker import Condition
from progress_app.events import Snapshot, State
from progress_app.publisher import RAISED_AGAIN_S, Publisher
from tasks_app.models import Task
from tests.emulators.service import Emulator
from tests.processes import until
from tests.progress_app.doubles import Clock
from tests.progress_app.transports.conftest import FLAGS, end, let_time_fly, state

OUTAGE_S = 600.0
Publish = Callable[..., Publisher]


def mend_after(service: Emulator, clock: Clock, after_s: float = OUTAGE_S) -> Callable[[], object]:
    """What ends the outage when its time has come."""
    ends_s = clock.now + after_s
    return lambda: service.mend() if clock.now >= ends_s else None


def test_after_ten_minutes_the_newest_state_and_every_end_arrive(service: Emulator, publish: Publish) -> None:
    publisher, clock = publish(per_s=10), Clock()
    let_time_fly(publisher, clock, mend_after(service, clock))
    began_s = clock.now
    service.cut()
    for percent in (1, 2, 3):
        publisher.put(state(percent))
    for number in range(200):
        publisher.put(end(number))
    until(lambda: len(service.received()) >= 201, what="all that waited")
    channels = [message["channel"] for message in service.received()]
    assert (len(channels), len(set(channels))) == (201, 201)
    assert service.received()[-1]["data"] == {"percent": 3}
    assert clock.now - began_s >= OUTAGE_S + 20  # the rate was kept to
    until(lambda: FLAGS[-1] is Condition.WORKS, what="the flag taken back")
    assert FLAGS.count(Condition.AWAY) >= OUTAGE_S / RAISED_AGAIN_S / 2  # and it was said again while it stood


@pytest.fixture
def task(settings: Any, service: Emulator, redis_db: None, owner: User) -> Iterator[Task]:
    """Return a task that is told over the service, by the project's own backend."""
    for name, value in (service.settings | {"PROGRESS_PUBLISH_RATE": 10.0}).items():
        setattr(settings, name, value)
    hosted._known.transport = ""
    yield Task.objects.create(job="rehearsal", owner=owner, state=State.RUNNING, attempt=1)
    connections.close()
    if carrier := connections.transport():
        carrier.close()
    connections._transport.cache_clear()
    connections._backend.cache_clear()


def told(task: Task, state: State, percent: float) -> Snapshot:
    return Snapshot(task=str(task.pk), attempt=1, state=state, percent=percent, ts=time.time())


@pytest.mark.django_db
@pytest.mark.usefixtures("static_files")
def test_a_viewer_is_sent_elsewhere_and_back_and_misses_nothing(service: Emulator, task: Task, owner: User) -> None:
    viewer, address = Client(), f"/tasks/{task.pk}/snapshot/"
    viewer.force_login(owner)

    def shown() -> tuple[str, str, float]:
        hosted._known.transport = ""  # what was asked last is remembered for a second
        answer = viewer.get(address).json()
        return answer["via"], answer["state"], answer["percent"]

    publisher, clock = connections.backend().publishers[0], Clock()  # type: ignore[attr-defined]
    let_time_fly(publisher, clock)
    service.cut()
    connections.backend().publish(told(task, State.RUNNING, 10))
    until(lambda: shown() == ("sse", "running", 10), what="the way around")
    connections.backend().publish(told(task, State.SUCCEEDED, 100))
    assert shown() == ("sse", "succeeded", 100)
    until(lambda: clock.now - Clock().now >= OUTAGE_S, what="ten minutes")
    assert shown()[0] == "sse"
    service.mend()
    until(lambda: shown()[0] == service.kind, what="the way back")
    assert [message["name"] for message in service.received()] == ["complete"]
