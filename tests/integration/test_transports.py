"""A real worker that publishes to Pusher and Ably, and what their faults do to its job: nothing."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from progress_app import connections
from progress_app.breaker import Condition
from progress_app.channels import user_channel
from progress_app.events import State
from tasks_app import lifecycle
from tasks_app.models import Task
from tests.emulators.service import Emulator
from tests.processes import until
from tests.stack import Worker

pytestmark = pytest.mark.long

Start = Callable[..., Worker]
QUICK = {"steps": 20, "seconds": 0.5, "stages": 1, "known_total": "on", "fail_chance": 0}
FAST = {"PROGRESS_PUBLISH_RATE": "200"}


@pytest.fixture(params=["pusher", "ably"])
def service(request: pytest.FixtureRequest) -> Emulator:
    """Return a running emulator: the test runs with each."""
    emulator: Emulator = request.getfixturevalue(request.param)
    return emulator


def start(staff: User) -> Task:
    return lifecycle.enqueue("rehearsal", user=staff, data=QUICK)


def ended(task: Task) -> Task:
    until(lambda: Task.objects.get(pk=task.pk).is_final, what="the task's end")
    return Task.objects.get(pk=task.pk)


def received(service: Emulator, channel: str) -> list[dict[str, Any]]:
    return [message for message in service.received() if message["channel"].endswith(channel)]


def test_a_job_is_watched_from_its_start_to_its_end(service: Emulator, workers: Start, staff: User) -> None:
    workers(f"by-{service.kind}", service.settings | FAST)
    task = start(staff)
    state, log, person = f"task-{task.pk}", f"task-{task.pk}.log", user_channel(staff.pk)
    until(lambda: [m["name"] for m in received(service, state)][-1:] == ["complete"], what="the end")
    until(lambda: received(service, log) and received(service, person), what="log and notice")
    told = received(service, state)
    positions = [message["data"]["pos"] for message in told]
    assert positions == sorted(positions)
    assert (told[0]["data"]["state"], told[-1]["data"]["state"]) == ("running", "succeeded")
    lines = connections.backend().replay(log, None, 1000)
    until(lambda: len(received(service, log)) == len(lines), what="every line")
    assert [message["data"]["pos"] for message in received(service, log)] == [line.pos for line in lines]
    assert [message["data"]["state"] for message in received(service, person)] == ["succeeded"]


def test_a_job_ends_while_the_service_holds_back_its_answer(service: Emulator, workers: Start, staff: User) -> None:
    workers(f"held-by-{service.kind}", service.settings | FAST)
    service.hold()
    task = ended(start(staff))
    assert (task.state, task.end_sent, service.received()) == (State.SUCCEEDED, True, [])
    until(lambda: service.calls() >= 1, what="a call that is held")
    service.recover()
    until(lambda: received(service, f"task-{task.pk}")[-1:], what="the end, sent again")
    assert received(service, f"task-{task.pk}")[-1]["name"] == "complete"


@pytest.mark.parametrize(("status", "lasting"), [(401, True), (413, True), (429, False), (500, False), (0, False)])
def test_a_job_ends_whatever_the_service_answers_and_viewers_are_sent_elsewhere(
    service: Emulator, workers: Start, staff: User, *, status: int, lasting: bool
) -> None:
    worker = workers(f"fails-{status}-{service.kind}", service.settings | FAST)
    if status:
        service.fail(status, json.dumps({}))
    else:
        service.stop()
    assert ended(start(staff)).state == State.SUCCEEDED
    expected = Condition.REFUSES if lasting else Condition.AWAY
    until(lambda: connections.condition(service.kind) is expected, what="the flag")
    assert not any(secret in worker.service.text() for secret in ("the-secret", "auth_signature"))


def test_a_worker_that_stops_sends_the_ends_that_wait(service: Emulator, workers: Start, staff: User) -> None:
    worker = workers(f"stops-{service.kind}", service.settings | {"PROGRESS_PUBLISH_RATE": "0.1"})
    tasks = [ended(start(staff)) for _ in range(3)]
    worker.service.stop()
    ends = [message for message in service.received() if message["name"] == "complete"]
    assert {message["data"]["task"] for message in ends} == {str(task.pk) for task in tasks}
