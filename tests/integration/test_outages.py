"""Redis that dies, hangs or goes dead under viewers of a real job: all see its end, and no hole is silent."""

from collections.abc import Iterator
from functools import partial

import pytest
from django.contrib.auth.models import User

from tasks_app.models import Task
from tests.gated_jobs import TOTAL, Gate
from tests.integration.conftest import Person
from tests.integration.half_open import HalfOpen
from tests.integration.test_stream_faults import memory_kib
from tests.integration.watchers import Watcher, watching
from tests.processes import until
from tests.stack import Stack, Valkey, Web, database_environment

pytestmark = pytest.mark.long

VIEWERS = 15  # of the 20 streams that one user may have
MOST_GROWTH_KIB = 32_768
MANY = 20  # steps that everybody has seen before the fault


@pytest.fixture
def ops(staff: User, stack: Stack) -> Iterator[Person]:
    person = Person(stack.url, staff)
    yield person
    person.http.close()


def session(person: Person) -> dict[str, str]:
    return dict(person.http.cookies)


def go_on_until_seen(gate: Gate, crowd: list[Watcher]) -> None:
    """Let the job go step by step, and wait each time until everybody has seen it."""
    for step in range(1, MANY):
        gate.open(step)
        until(partial(have_seen, crowd, step), what=f"step {step} seen by everybody")


def have_seen(crowd: list[Watcher], step: int) -> bool:
    return all(watcher.current >= step for watcher in crowd)


def test_redis_killed_with_its_data_costs_no_viewer_the_end(ops: Person, stack: Stack, gate: Gate) -> None:
    task = ops.start_gated(gate)
    before_kib = memory_kib(stack.web.service.pid)
    with watching(stack.url, session(ops), task, VIEWERS) as crowd:
        go_on_until_seen(gate, crowd)
        stack.valkey.lose_everything()
        gate.open(TOTAL)
    assert Task.objects.get(pk=task).state == "succeeded"
    assert memory_kib(stack.web.service.pid) - before_kib < MOST_GROWTH_KIB


def test_redis_that_hangs_costs_no_viewer_the_end(ops: Person, stack: Stack, gate: Gate) -> None:
    task = ops.start_gated(gate)
    before_kib = memory_kib(stack.web.service.pid)
    with watching(stack.url, session(ops), task, VIEWERS) as crowd:
        go_on_until_seen(gate, crowd)
        with stack.valkey.service.frozen():
            gate.open(TOTAL)
            until(lambda: Task.objects.get(pk=task).is_final, what="the job's end without Redis")
    assert Task.objects.get(pk=task).state == "succeeded"
    assert memory_kib(stack.web.service.pid) - before_kib < MOST_GROWTH_KIB


@pytest.fixture
def dead_end(stack: Stack, valkey: Valkey) -> Iterator[tuple[HalfOpen, Web]]:
    """Start another web server, which reaches Redis through a proxy that can go dead."""
    proxy = HalfOpen(valkey.port)
    far = {"PROGRESS_REDIS_URL": f"redis://127.0.0.1:{proxy.port}/0"}
    web = Web("web-far", database_environment() | far)
    web.start()
    yield proxy, web
    web.service.stop()
    proxy.stop()


def test_connections_to_redis_that_went_dead_unseen_cost_no_viewer_the_end(
    ops: Person, dead_end: tuple[HalfOpen, Web], gate: Gate
) -> None:
    proxy, web = dead_end
    task = ops.start_gated(gate)
    before_kib = memory_kib(web.service.pid)
    with watching(web.url, session(ops), task, VIEWERS) as crowd:
        go_on_until_seen(gate, crowd)
        assert proxy.go_dead() > 0
        gate.open(TOTAL)
    assert "has been silent" in web.service.text()
    assert memory_kib(web.service.pid) - before_kib < MOST_GROWTH_KIB
