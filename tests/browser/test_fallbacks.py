"""The second and the third level: polling where no stream comes through, and no JavaScript at all."""

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect

from progress_app.events import State
from tasks_app.models import Task
from tests.browser import steps
from tests.browser.pretended import end, tell
from tests.stack import Stack

MakeTask = Callable[..., Task]
LONGEST_PAUSE_MS = 301_000  # between tries of the stream where asking works


@pytest.fixture
def plain_page(live: Stack, chromium: Browser) -> Iterator[Page]:
    """Open a page of a browser that runs no JavaScript."""
    context = chromium.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_without_a_stream_the_page_asks_and_still_ends_right(live: Stack, member: Page, running_task: MakeTask) -> None:
    tell(task := running_task(), 10)
    member.route("**/events/**", lambda route: route.abort())
    member.goto(f"{live.url}/tasks/{task.pk}/")
    steps.expect_connection(member, "polling")
    tell(task, 40)
    steps.wait_for_percent(member, 40)
    end(task, State.SUCCEEDED)
    steps.expect_state(member, "succeeded")
    shown = steps.painted(member)
    assert steps.never_falls(shown)
    assert shown[-1] == 100
    expect(member.get_by_role("button", name="Run again")).to_be_visible()


def test_a_stream_that_says_nothing_is_given_up_for_polling(live: Stack, member: Page, running_task: MakeTask) -> None:
    tell(task := running_task(), 10)
    member.route("**/events/**", lambda _route: None)  # never answered, as behind a proxy that buffers
    member.goto(f"{live.url}/tasks/{task.pk}/")
    steps.expect_connection(member, "polling")
    end(task, State.SUCCEEDED)
    steps.expect_state(member, "succeeded")


def test_polling_gives_way_to_the_stream_when_that_comes_back(
    live: Stack, member: Page, running_task: MakeTask
) -> None:
    member.clock.install()
    member.route("**/events/**", lambda route: route.abort())
    member.goto(f"{live.url}/tasks/{running_task().pk}/")
    steps.expect_connection(member, "polling")
    member.unroute("**/events/**")
    member.clock.fast_forward(LONGEST_PAUSE_MS)
    steps.expect_connection(member, "live")


def test_without_javascript_one_watches(live: Stack, plain_page: Page, staff: User, running_task: MakeTask) -> None:
    page = plain_page
    tell(task := running_task(), 10)
    steps.log_in(page, live.url, staff)
    page.goto(f"{live.url}/tasks/{task.pk}/")
    frame = page.frame_locator("iframe")
    expect(page.get_by_role("progressbar")).to_have_count(0)  # the frame's alone, not one that stands still beside it
    for percent in (10, 20, 30):  # the frame refreshes itself: nobody asks it to
        tell(task, percent)
        expect(frame.get_by_role("progressbar")).to_have_attribute("aria-valuenow", str(percent))
    steps.keep_picture(page, "no-javascript")
    end(task, State.SUCCEEDED, result={"rows": 4210})
    expect(frame.get_by_text("It has ended")).to_be_visible()
    page.reload()
    expect(page.locator("#outcome")).to_contain_text("4,210")


def test_without_javascript_one_starts_and_gets_the_result(live: Stack, plain_page: Page, staff: User) -> None:
    page = plain_page
    steps.log_in(page, live.url, staff)
    steps.start_rehearsal(page, live.url, seconds=0.2)
    steps.wait_for(page, lambda: Task.objects.filter(owner=staff, state="succeeded").exists(), "the task ends")
    page.reload()
    expect(page.locator("#outcome")).to_contain_text("Steps")


def test_without_javascript_one_cancels(live: Stack, plain_page: Page, staff: User) -> None:
    page = plain_page
    steps.log_in(page, live.url, staff)
    steps.start_rehearsal(page, live.url, seconds=60)
    page.get_by_role("button", name="Cancel").click()
    steps.wait_for(page, lambda: Task.objects.filter(owner=staff, state="cancelled").exists(), "the task is cancelled")
    page.reload()  # a page that was shown before that holds a frame, one that was shown after it does not
    expect(page.get_by_role("region", name="Progress")).to_contain_text("Cancelled")
