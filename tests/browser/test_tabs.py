"""Several tabs of one browser: one stream, whoever of them holds it, and nothing missed when it changes hands."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import BrowserContext, Error, Page, Request, Route, expect

from progress_app import connections
from progress_app.events import LogEntry, Snapshot, State
from tasks_app.models import Task
from tests.browser import steps
from tests.stack import Stack

pytestmark = pytest.mark.long

MakeTask = Callable[..., Task]
HANG = """setTimeout(() => {
  const answer = new XMLHttpRequest();
  answer.open("GET", "/hang/", false);
  answer.send(); // nothing else happens in this page until it is answered
}, 0)"""


class Streams:
    """The streams that a browser has asked for, and those that are open."""

    def __init__(self, context: BrowserContext) -> None:
        self.asked = 0
        self._open: set[Request] = set()
        context.on("request", self._began)
        context.on("requestfinished", self._ended)
        context.on("requestfailed", self._ended)

    def _began(self, request: Request) -> None:
        if "/events/?" in request.url:
            self.asked += 1
            self._open.add(request)

    def _ended(self, request: Request) -> None:
        self._open.discard(request)

    def __len__(self) -> int:
        return sum(not request.frame.page.is_closed() for request in self._open)


@pytest.fixture
def streams(context: BrowserContext) -> Streams:
    """Count the browser's streams."""
    return Streams(context)


@pytest.fixture
def watch(live: Stack, session: dict[str, str], context: BrowserContext, streams: Streams) -> Callable[[Task], Page]:
    """Open a task's page in another tab, and wait until it is live."""
    steps.lend_session(context, live.url, session)
    context.add_init_script(steps.NOTE_WHAT_IS_PAINTED)

    def open_tab(task: Task) -> Page:
        page = context.new_page()
        page.goto(f"{live.url}/tasks/{task.pk}/")
        steps.expect_connection(page, "live")
        return page

    return open_tab


def _publish(task: Task, percent: float, *lines: str, state: State = State.RUNNING) -> None:
    snapshot = Snapshot(task=str(task.pk), state=state, attempt=1, job=task.job, percent=percent)
    log = tuple(LogEntry(task=str(task.pk), text=line, ts=1_790_000_000.5) for line in lines)
    connections.backend().publish(snapshot, log=log)


def _expect_percent(page: Page, percent: int) -> None:
    expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", str(percent))


def _expect_lines(page: Page, *lines: str) -> None:
    expect(page.locator(".log-line .log-text")).to_have_text(lines)


def test_three_tabs_share_one_stream(watch: Callable[[Task], Page], streams: Streams, running_task: MakeTask) -> None:
    tasks = [running_task() for _ in range(3)]
    tabs = [watch(task) for task in tasks]
    for number, (task, tab) in enumerate(zip(tasks, tabs, strict=True), start=1):
        _publish(task, 10.0 * number, f"line {number}")
        _expect_percent(tab, 10 * number)
        _expect_lines(tab, f"line {number}")
    steps.wait_for(tabs[0], lambda: len(streams) == 1, "one stream")
    assert streams.asked == 3  # one opening for each newcomer


def test_ten_tabs_on_any_pages_take_one_seat_of_their_reader(
    live: Stack, session: dict[str, str], context: BrowserContext, streams: Streams, running_task: MakeTask
) -> None:
    steps.lend_session(context, live.url, session)
    addresses = ["/", "/jobs/rehearsal/", "/tasks/", f"/tasks/{running_task().pk}/", "/ops/"] * 2
    before = open_streams(context, live)
    for address in addresses:
        context.new_page().goto(f"{live.url}{address}")
    last = context.pages[-1]
    steps.wait_for(last, lambda: len(streams) == 1 and open_streams(context, live) == before + 1, "one stream")


def open_streams(context: BrowserContext, live: Stack) -> int:
    """How many the server has, as its metrics say."""
    page = context.request.get(f"{live.url}/metrics").text()
    return int(float(next(line.split()[1] for line in page.splitlines() if line.startswith("headway_streams "))))


def test_two_tabs_of_one_task_show_each_line_once(watch: Callable[[Task], Page], running_task: MakeTask) -> None:
    task = running_task()
    _publish(task, 1, "before")
    first = watch(task)
    _publish(task, 10, "between")
    _expect_lines(first, "before", "between")
    second = watch(task)
    _publish(task, 20, "after")
    for tab in (first, second):
        _expect_percent(tab, 20)
        _expect_lines(tab, "before", "between", "after")


def test_when_the_leader_closes_another_takes_over_and_nothing_is_missed(
    watch: Callable[[Task], Page], streams: Streams, running_task: MakeTask
) -> None:
    task = running_task()
    leader = watch(task)
    followers = [watch(task), watch(task)]
    _publish(task, 10, "one")
    _expect_lines(followers[1], "one")
    leader.close()
    _publish(task, 20, "two")  # most likely while nobody holds the stream
    for tab in followers:
        _expect_percent(tab, 20)
        _expect_lines(tab, "one", "two")
        assert "reconnecting" not in tab.evaluate("window.connections")
    steps.wait_for(followers[0], lambda: len(streams) == 1, "one stream")


def test_when_the_leader_crashes_another_takes_over(watch: Callable[[Task], Page], running_task: MakeTask) -> None:
    task = running_task()
    leader, follower = watch(task), watch(task)
    with suppress(Error):
        leader.goto("chrome://crash")
    _publish(task, 20, "after the crash")
    _expect_percent(follower, 20)
    _expect_lines(follower, "after the crash")


def test_a_leader_that_hangs_is_replaced_and_steps_down(
    watch: Callable[[Task], Page], streams: Streams, running_task: MakeTask
) -> None:
    task = running_task()
    leader, follower = watch(task), watch(task)
    follower.bring_to_front()
    hanging: list[Route] = []
    leader.route("**/hang/", lambda route: hanging.append(route))  # noqa: PLW0108 - it is marked as a handler
    leader.evaluate(HANG)
    steps.wait_for(follower, lambda: hanging, "a leader that hangs")
    _publish(task, 20, "while it hangs")
    _expect_percent(follower, 20)
    _expect_lines(follower, "while it hangs")
    hanging[0].fulfill(body="over")
    _publish(task, 30)
    _expect_percent(leader, 30)
    _expect_lines(leader, "while it hangs")
    steps.wait_for(follower, lambda: len(streams) == 1, "one stream")


def test_a_leader_that_the_browser_freezes_gives_up_the_lead(
    watch: Callable[[Task], Page], running_task: MakeTask
) -> None:
    task = running_task()
    leader, follower = watch(task), watch(task)
    devtools = leader.context.new_cdp_session(leader)
    devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    _publish(task, 20, "while it is frozen")
    _expect_percent(follower, 20)
    devtools.send("Page.setWebLifecycleState", {"state": "active"})
    _expect_percent(leader, 20)
    _expect_lines(leader, "while it is frozen")


def test_who_logs_out_is_told_in_every_tab(
    live: Stack, watch: Callable[[Task], Page], running_task: MakeTask, staff: User
) -> None:
    task = running_task()
    tabs = [watch(task), watch(task)]
    tabs[0].context.clear_cookies()
    tabs[0].context.set_offline(True)  # the stream has to be opened anew
    tabs[0].context.set_offline(False)
    for tab in tabs:
        steps.expect_connection(tab, "denied")


def test_another_login_shares_nothing(
    live: Stack, watch: Callable[[Task], Page], streams: Streams, running_task: MakeTask, stranger: User
) -> None:
    task = running_task()
    before = watch(task)
    before.context.clear_cookies()
    after = before.context.new_page()
    steps.log_in(after, live.url, stranger)
    theirs = running_task(owner=stranger)
    after.goto(f"{live.url}/tasks/{theirs.pk}/")
    steps.expect_connection(after, "live")
    names = [page.locator("progress-bar").get_attribute("data-session") for page in (before, after)]
    assert all(names)
    assert names[0] != names[1]
    steps.wait_for(after, lambda: len(streams) == 2, "a stream of each")


def test_without_locks_each_tab_has_its_own_stream(
    live: Stack, watch: Callable[[Task], Page], context: BrowserContext, streams: Streams, running_task: MakeTask
) -> None:
    context.add_init_script("Object.defineProperty(navigator, 'locks', { value: undefined })")
    task = running_task()
    tabs = [watch(task), watch(task)]
    _publish(task, 20)
    for tab in tabs:
        _expect_percent(tab, 20)
    steps.wait_for(tabs[0], lambda: len(streams) == 2, "a stream of each")
