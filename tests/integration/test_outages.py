"""Redis that dies, hangs or goes dead under viewers of a real job: all see its end, and no hole is silent."""

import signal
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User

from tasks_app.models import Task
from tests.integration.conftest import Person
from tests.integration.half_open import HalfOpen
from tests.integration.test_stream_faults import memory_kib
from tests.integration.watchers import watching
from tests.processes import until
from tests.stack import Stack, Valkey, Web, database_environment

pytestmark = pytest.mark.long

VIEWERS = 15  # of the 20 streams that one user may have
MOST_GROWTH_KIB = 32_768
PAUSE_S = 30.0
LASTING = {"seconds": 12, "steps": 120, "stages": 4}


@pytest.fixture
def ops(staff: User, stack: Stack) -> Iterator[Person]:
    person = Person(stack.url, staff)
    yield person
    person.http.close()


def session(person: Person) -> dict[str, str]:
    return dict(person.http.cookies)


def is_under_way(task: str) -> bool:
    return Task.objects.filter(pk=task, state="running").exists()


def test_redis_killed_with_its_data_costs_no_viewer_the_end(ops: Person, stack: Stack) -> None:
    task = ops.start(**LASTING)
    before_kib = memory_kib(stack.web.service.pid)
    with watching(stack.url, session(ops), task, VIEWERS) as crowd:
        until(lambda: all(watcher.seen > 20 for watcher in crowd), what="a job that is well under way")
        stack.valkey.lose_everything()
    assert Task.objects.get(pk=task).state == "succeeded"
    assert memory_kib(stack.web.service.pid) - before_kib < MOST_GROWTH_KIB


def test_redis_that_hangs_for_half_a_minute_costs_no_viewer_the_end(ops: Person, stack: Stack) -> None:
    task = ops.start(**LASTING)
    before_kib = memory_kib(stack.web.service.pid)
    with watching(stack.url, session(ops), task, VIEWERS) as crowd:
        until(lambda: all(watcher.seen > 20 for watcher in crowd), what="a job that is well under way")
        stack.valkey.service.send(signal.SIGSTOP)
        try:
            until(lambda: not is_under_way(task), within_s=PAUSE_S, what="the job's end without Redis")
        finally:
            stack.valkey.service.send(signal.SIGCONT)
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
    ops: Person, dead_end: tuple[HalfOpen, Web]
) -> None:
    proxy, web = dead_end
    task = ops.start(**LASTING)
    before_kib = memory_kib(web.service.pid)
    with watching(web.url, session(ops), task, VIEWERS) as crowd:
        until(lambda: all(watcher.seen > 20 for watcher in crowd), what="a job that is well under way")
        assert proxy.go_dead() > 0
    assert "has been silent" in web.service.text()
    assert memory_kib(web.service.pid) - before_kib < MOST_GROWTH_KIB
