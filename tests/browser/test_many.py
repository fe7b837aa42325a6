"""Many bars on one page, and a page that the browser keeps in its memory."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tasks_app.models import Task
from tests.browser import steps
from tests.browser.pretended import tell
from tests.stack import Stack

pytestmark = pytest.mark.long

MakeTask = Callable[..., Task]
BARS = 60  # more than the 50 channels of one stream
ADD_BARS = """
([session, tasks]) => {
  for (const task of tasks) {
    const bar = document.createElement("progress-bar");
    Object.assign(bar.dataset, {
      channel: `task-${task}`, snapshotUrl: `/tasks/${task}/snapshot/`, eventsUrl: "/events/", session,
    });
    const percent = document.createElement("span");
    percent.dataset.part = "percent";
    bar.append(percent);
    document.querySelector("main").append(bar);
  }
}
"""


def test_sixty_bars_share_one_stream_and_all_of_them_move(live: Stack, member: Page, running_task: MakeTask) -> None:
    streams: list[str] = []
    member.on("request", lambda request: streams.append(request.url) if "/events/?" in request.url else None)
    member.goto(f"{live.url}/tasks/{running_task().pk}/")
    steps.expect_connection(member, "live")
    steps.wait_for(member, lambda: "channel=user-" in streams[-1], "the notices, which may come after the bar")
    before = len(streams)
    own = member.locator("progress-bar").first
    tasks = [running_task() for _ in range(BARS)]
    member.evaluate(ADD_BARS, [own.get_attribute("data-session"), [str(task.pk) for task in tasks]])
    bars = member.locator("main > progress-bar")
    expect(bars.and_(member.locator("[data-connection=live]"))).to_have_count(47)  # its own bar has two, notices one
    expect(bars.and_(member.locator("[data-connection=polling]"))).to_have_count(BARS - 47)
    for task in tasks:
        tell(task, 42)
    expect(member.get_by_text("42%", exact=True)).to_have_count(BARS)
    assert len(streams) == before + 1


def test_a_bar_that_leaves_the_page_is_no_longer_asked_for(live: Stack, member: Page, running_task: MakeTask) -> None:
    asked: list[str] = []
    task = running_task()
    member.goto(f"{live.url}/tasks/{task.pk}/")
    steps.expect_connection(member, "live")
    member.on("request", lambda request: asked.append(request.url))
    with member.expect_request(lambda request: "/events/?channel=user-" in request.url):  # the page's notices go on
        member.evaluate("document.querySelector('progress-bar').remove()")
    assert not any(str(task.pk) in url for url in asked)


def test_a_page_in_the_browsers_memory_holds_nothing_and_comes_back_right(
    live: Stack, member: Page, running_task: MakeTask
) -> None:
    """A driven Chromium keeps no page in memory; so the page is told what it would be told."""
    task = running_task()
    member.goto(f"{live.url}/tasks/{task.pk}/")
    steps.expect_connection(member, "live")
    with member.expect_event("requestfailed", lambda request: "/events/?" in request.url):
        member.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    assert member.evaluate("navigator.locks.query().then(({ held, pending }) => [...held, ...pending])") == []
    tell(task, 42)
    member.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(member.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "42")
    steps.expect_connection(member, "live")
