"""Pages of one origin, streams of another: two real servers, a real browser that asks for leave each time."""

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import BrowserContext, Page, Request

from progress_app import connections
from progress_app.events import Snapshot, State
from tasks_app.models import Task
from tests.browser import steps
from tests.stack import Stack, Web, database_environment

pytestmark = pytest.mark.long

MakeTask = Callable[..., Task]
NO_ORIGIN = "http://127.0.0.1:9"


class Hosts:
    """The stream's host, and that of the pages, which names it; `allowed` may read what the former streams."""

    def __init__(self) -> None:
        self.pages = Web("web-pages", {})
        self.streams = Web("web-streams", {})

    def start(self, allowed: str) -> None:
        both = database_environment() | {"ALLOWED_HOSTS": "127.0.0.1,localhost"}
        self.streams.service.environment = both | {"PROGRESS_CORS_ORIGINS": allowed}
        self.pages.service.environment = both | {"PROGRESS_EVENTS_URL": f"http://localhost:{self.streams.port}/events/"}
        self.streams.start()
        self.pages.start()

    def stop(self) -> None:
        self.pages.service.stop()
        self.streams.service.stop()


@pytest.fixture
def hosts(live: Stack) -> Iterator[Hosts]:
    hosts = Hosts()
    yield hosts
    hosts.stop()


@pytest.fixture
def asked(context: BrowserContext) -> list[Request]:
    """The streams that the browser asks for."""
    seen: list[Request] = []
    context.on("request", lambda request: seen.append(request) if "/events/?" in request.url else None)
    return seen


def report(task: Task, state: State = State.RUNNING, **values: object) -> None:
    shown = {"task": str(task.pk), "job": task.job, "attempt": 1, "state": state, "percent": 1.0}
    connections.backend().publish(Snapshot(**(shown | values)))  # type: ignore[arg-type]


def opened(hosts: Hosts, context: BrowserContext, session: dict[str, str], task: Task) -> Page:
    steps.lend_session(context, hosts.pages.url, session)
    page = context.new_page()
    page.add_init_script(steps.NOTE_WHAT_IS_PAINTED)
    page.goto(f"{hosts.pages.url}/tasks/{task.pk}/")
    return page


def test_a_page_reads_the_stream_of_a_host_that_lets_its_origin_with_a_new_token_each_time(
    hosts: Hosts, context: BrowserContext, session: dict[str, str], asked: list[Request], running_task: MakeTask
) -> None:
    hosts.start(allowed=hosts.pages.url)
    report(task := running_task())
    page = opened(hosts, context, session, task)
    steps.expect_connection(page, "live")
    report(task, percent=40.0)
    steps.wait_for_percent(page, 40)
    hosts.streams.restart()
    steps.expect_connection(page, "live")
    report(task, State.SUCCEEDED, percent=100.0)
    steps.expect_state(page, "succeeded")
    assert all(request.url.startswith(f"http://localhost:{hosts.streams.port}/") for request in asked)
    assert len({request.url for request in asked}) == len(asked) > 1
    assert all("cookie" not in request.headers for request in asked)
    assert steps.never_falls(steps.painted(page))


def test_a_page_of_an_origin_that_may_not_read_asks_its_own_host_instead(
    hosts: Hosts, context: BrowserContext, session: dict[str, str], running_task: MakeTask, staff: User
) -> None:
    hosts.start(allowed=NO_ORIGIN)
    report(task := running_task())
    page = opened(hosts, context, session, task)
    steps.expect_connection(page, "polling")
    report(task, State.SUCCEEDED, percent=100.0)
    steps.expect_state(page, "succeeded")
