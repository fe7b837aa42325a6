"""Streams through proxies that buffer, gzip, speak HTTP/2 or cut: each event comes, and no line and no end is lost."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User

from progress_app import connections
from progress_app.events import LogEntry, Snapshot, State
from tasks_app.models import Task
from tests.factories import TaskFactory
from tests.integration.conftest import DEADLINE_S, Person
from tests.integration.half_open import HalfOpen
from tests.integration.nginx import nginx
from tests.integration.watchers import Watcher, watching
from tests.processes import until
from tests.stack import Stack

CUT_S = 10
VIEWERS = 5


@pytest.fixture
def task(staff: User) -> Task:
    return TaskFactory.create(owner=staff, running=True)


def report(task: Task, state: State = State.RUNNING, *log: str, **values: Any) -> None:
    shown = Snapshot(task=str(task.pk), job=task.job, attempt=1, state=state, ts=time.time(), **values)
    entries = [LogEntry(task=str(task.pk), text=text, ts=1.0) for text in log]
    connections.backend().publish(shown, entries)


@pytest.mark.deploy
@pytest.mark.long
def test_over_http2_more_streams_than_a_browser_has_connections_share_one(
    live: Stack, staff: User, task: Task, tmp_path: Path
) -> None:
    report(task, percent=1.0)
    with nginx(tmp_path, live.web.port, protocol=" http2") as url, ExitStack() as opened:
        person = Person(url, staff)
        cookies = dict(person.http.cookies)
        person.http.close()
        person.http = opened.enter_context(
            httpx.Client(base_url=url, cookies=cookies, http1=False, http2=True, timeout=DEADLINE_S)
        )
        streams = [opened.enter_context(person.events(f"task-{task.pk}")) for _ in range(8)]
        assert {stream.response.http_version for stream in streams} == {"HTTP/2"}
        report(task, State.SUCCEEDED)
        for stream in streams:
            stream.until("complete")


@pytest.mark.deploy
@pytest.mark.long
@pytest.mark.parametrize("more", ["", "proxy_ignore_headers X-Accel-Buffering;"])
def test_a_proxy_that_buffers_and_gzips_still_passes_each_event_on(
    live: Stack, staff: User, task: Task, tmp_path: Path, more: str
) -> None:
    report(task, percent=1.0)
    with nginx(tmp_path, live.web.port, more) as url:
        person = Person(url, staff)
        with person.events(f"task-{task.pk}") as events:
            for percent in (2.0, 3.0, 4.0):
                events.until("progress")
                report(task, percent=percent)
            report(task, State.SUCCEEDED)
            events.until("complete")
        person.http.close()


@pytest.fixture
def cookies(staff: User, live: Stack) -> Iterator[dict[str, str]]:
    """Lend the session of somebody who may watch everything."""
    person = Person(live.url, staff)
    yield dict(person.http.cookies)
    person.http.close()


class Talk:
    """A task that tells numbered lines to its viewers."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self.told = 0

    def tell(self, lines: int, state: State = State.RUNNING) -> None:
        """Report so often, each time with a line."""
        for _ in range(lines):
            self.told += 1
            report(self._task, state, f"line {self.told}")

    def was_heard_by(self, crowd: list[Watcher]) -> None:
        """Wait until everybody saw all lines; nobody was told that some are missing."""
        until(lambda: all(watcher.lines >= self.told for watcher in crowd), what="all lines")
        assert [(watcher.lines, watcher.resets) for watcher in crowd] == [(self.told, 0)] * len(crowd)


def is_one_away(crowd: list[Watcher]) -> bool:
    return not all(watcher.is_connected for watcher in crowd)


def all_are_back(crowd: list[Watcher], opened: int) -> bool:
    return all(watcher.opened >= opened for watcher in crowd)


@pytest.mark.deploy
@pytest.mark.long
def test_a_proxy_that_cuts_after_ten_silent_seconds_costs_no_line_and_no_end(
    live: Stack, cookies: dict[str, str], task: Task, tmp_path: Path
) -> None:
    talk = Talk(task)
    talk.tell(1)
    silent = f"proxy_read_timeout {CUT_S}s;"
    with nginx(tmp_path, live.web.port, silent) as url, watching(url, cookies, str(task.pk), VIEWERS) as crowd:
        for cuts in (1, 2):
            until(partial(is_one_away, crowd), within_s=4 * CUT_S, what="a cut")
            talk.tell(3)
            until(partial(all_are_back, crowd, cuts + 1), within_s=4 * CUT_S, what="everybody's return")
            talk.was_heard_by(crowd)
        talk.tell(1, State.SUCCEEDED)


@pytest.mark.long
def test_connections_that_break_while_a_task_reports_cost_no_line_and_no_end(
    live: Stack, cookies: dict[str, str], task: Task
) -> None:
    talk, proxy = Talk(task), HalfOpen(live.web.port)
    talk.tell(1)
    with watching(f"http://127.0.0.1:{proxy.port}", cookies, str(task.pk), VIEWERS) as crowd:
        for cuts in range(1, 9):
            talk.tell(20)
            proxy.cut()
            talk.tell(20)
            until(partial(all_are_back, crowd, cuts + 1), what="everybody's return")
        talk.was_heard_by(crowd)
        talk.tell(1, State.SUCCEEDED)
    proxy.stop()
