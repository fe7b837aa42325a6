"""The second and the third level: polling where no stream comes through, and no JavaScript at all."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect

from tasks_app.models import Task
from tests.browser import steps
from tests.stack import Stack


@pytest.fixture
def plain_page(live: Stack, chromium: Browser) -> Iterator[Page]:
    """Open a page of a browser that runs no JavaScript."""
    context = chromium.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_without_a_stream_the_page_asks_and_still_ends_right(live: Stack, member: Page) -> None:
    member.route("**/events/**", lambda route: route.abort())
    steps.start_rehearsal(member, live.url, seconds=7)
    steps.expect_connection(member, "polling")
    steps.expect_state(member, "succeeded")
    shown = steps.painted(member)
    assert steps.never_falls(shown)
    assert shown[-1] == 100
    expect(member.get_by_role("button", name="Run again")).to_be_visible()


def test_a_stream_that_says_nothing_is_given_up_for_polling(live: Stack, member: Page) -> None:
    member.route("**/events/**", lambda _route: None)  # never answered, as behind a proxy that buffers
    steps.start_rehearsal(member, live.url, seconds=7)
    steps.expect_connection(member, "polling", within_ms=10_000)
    steps.expect_state(member, "succeeded")


def test_polling_gives_way_to_the_stream_when_that_comes_back(live: Stack, member: Page) -> None:
    member.route("**/events/**", lambda route: route.abort())
    steps.start_rehearsal(member, live.url, seconds=25)
    steps.expect_connection(member, "polling")
    member.unroute("**/events/**")
    steps.expect_connection(member, "live")


def test_without_javascript_one_starts_watches_and_gets_the_result(live: Stack, plain_page: Page, staff: User) -> None:
    page = plain_page
    steps.log_in(page, live.url, staff)
    steps.start_rehearsal(page, live.url, seconds=5)
    bar = page.frame_locator("iframe").get_by_role("progressbar")
    expect(page.get_by_role("progressbar")).to_have_count(0)  # the frame's alone, not one that stands still beside it
    shown = [bar.get_attribute("aria-valuenow")]
    for _ in range(2):  # the frame refreshes itself: nobody asks it to
        expect(bar).not_to_have_attribute("aria-valuenow", shown[-1] or "", timeout=15_000)
        shown.append(bar.get_attribute("aria-valuenow"))
    assert steps.never_falls([int(value or 0) for value in shown])
    steps.keep_picture(page, "no-javascript")
    expect(page.frame_locator("iframe").get_by_text("It has ended")).to_be_visible(timeout=20_000)
    page.reload()
    expect(page.locator("#outcome")).to_contain_text("steps")


def test_without_javascript_one_cancels(live: Stack, plain_page: Page, staff: User) -> None:
    page = plain_page
    steps.log_in(page, live.url, staff)
    steps.start_rehearsal(page, live.url, seconds=60)
    page.get_by_role("button", name="Cancel").click()
    steps.wait_for(page, lambda: Task.objects.filter(owner=staff, state="cancelled").exists(), "the task is cancelled")
    page.reload()  # a page that was shown before that holds a frame, one that was shown after it does not
    expect(page.get_by_role("region", name="Progress")).to_contain_text("Cancelled")
