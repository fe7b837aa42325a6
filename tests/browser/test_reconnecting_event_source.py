"""A client made for django-eventstream, the one that it ships, on our endpoint."""

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser import steps
from tests.processes import until
from tests.stack import Stack

pytestmark = pytest.mark.long

OPEN = """(channels) => {
  window.told = [];
  const query = new URLSearchParams(channels.map((name) => ["channel", name]));
  const source = new ReconnectingEventSource(`/events/?${query}`);
  for (const name of ["stream-open", "progress", "log", "complete"]) {
    source.addEventListener(name, (event) => window.told.push({ name, id: event.lastEventId, data: event.data }));
  }
}"""

COUNT = "(name) => window.told.filter((event) => event.name === name).length"


@pytest.fixture
def member_of_stack(stack: Stack, session: dict[str, str], context: BrowserContext, page: Page) -> Page:
    """Open a page of a member of staff on a server that the test may restart."""
    steps.lend_session(context, stack.url, session)
    return page


def open_stream(page: Page, url: str, *channels: str) -> None:
    page.goto(f"{url}/tasks/")
    page.add_script_tag(url="/static/django_eventstream/reconnecting-eventsource.js")
    page.evaluate(OPEN, list(channels))


def test_it_gets_every_event_and_goes_on_after_a_restart_of_the_server(stack: Stack, member_of_stack: Page) -> None:
    page = member_of_stack
    steps.start_rehearsal(page, stack.url, seconds=6)
    task = page.url.split("/")[4]
    open_stream(page, stack.url, f"task-{task}", f"task-{task}.log")
    until(lambda: page.evaluate(COUNT, "progress"), what="progress")
    stack.web.restart()
    until(lambda: page.evaluate(COUNT, "complete"), what="the end")
    lines = page.evaluate("told.filter((event) => event.name === 'log').map((event) => event.data)")
    assert page.evaluate(COUNT, "stream-open") >= 2
    assert len(lines) == len(set(lines)) > 0
