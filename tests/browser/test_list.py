"""The list of tasks says that there are new ones, and leaves the rows where they are until somebody wants them."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect

from progress_app import connections
from progress_app.events import Snapshot, State
from tasks_app.models import Task
from tests.browser import steps
from tests.factories import TaskFactory
from tests.stack import Stack


def test_new_tasks_are_told_and_shown_by_a_click(live: Stack, member: Page) -> None:
    member.goto(f"{live.url}/tasks/")
    sign = member.locator("#newcomers")
    expect(member.get_by_role("heading", name="No tasks yet")).to_be_visible()
    expect(sign).to_be_hidden()
    steps.start_rehearsal(member.context.new_page(), live.url, steps=2, seconds=0.1)
    expect(sign).to_have_text("1 new task: show it")
    sign.get_by_role("link").click()
    expect(member.locator(".row")).to_have_count(1)
    expect(sign).to_be_hidden()


def test_a_task_that_does_not_fit_the_search_is_not_told(live: Stack, member: Page, staff: User) -> None:
    TaskFactory.create(owner=staff, ended=True)
    with member.expect_response("**/events/?*"):
        member.goto(f"{live.url}/tasks/?q=job:other")
    with member.expect_response("**/tasks/?q=*"):  # it asks whether that one fits
        steps.start_rehearsal(member.context.new_page(), live.url, steps=2, seconds=0.1)
    expect(member.locator("#newcomers")).to_be_hidden()


def test_a_steady_flow_of_tasks_does_not_put_the_answer_off(
    live: Stack, member: Page, staff: User, running_task: Callable[..., Task]
) -> None:
    with member.expect_response("**/events/?*"):
        member.goto(f"{live.url}/tasks/")
    sign = member.locator("#newcomers")

    def one_more() -> bool:
        task = running_task()
        told = Snapshot(task=str(task.pk), attempt=1, state=State.RUNNING)
        connections.backend().publish(told, audience=(f"user-{staff.pk}",))
        return sign.is_visible()

    steps.wait_for(member, one_more, "the sign")


def test_arrows_go_from_row_to_row_once_one_has_the_focus(live: Stack, member: Page, staff: User) -> None:
    TaskFactory.create_batch(3, owner=staff, ended=True)
    member.goto(f"{live.url}/tasks/")
    links = member.locator(".row-title a")
    member.keyboard.press("ArrowDown")
    expect(links.first).not_to_be_focused()  # the page scrolls
    member.keyboard.press("j")
    expect(links.first).to_be_focused()
    member.keyboard.press("ArrowDown")
    expect(links.nth(1)).to_be_focused()
    member.keyboard.press("x")
    expect(member.locator(".row-pick").nth(2)).to_be_checked()  # the first is the page's
    member.keyboard.press("ArrowUp")
    expect(links.first).to_be_focused()


def test_all_that_match_are_a_choice_after_the_whole_page_and_a_change_of_them_asks(
    live: Stack, member: Page, staff: User
) -> None:
    TaskFactory.create_batch(26, owner=staff, ended=True)
    TaskFactory.create(owner=staff)
    member.goto(f"{live.url}/tasks/?q=job:rehearsal")
    every = member.get_by_label("choose all 27 that match, on every page")
    expect(every).to_be_hidden()
    expect(member.get_by_role("button", name="Export all 27")).to_be_visible()
    member.locator("#pick-page").check()
    expect(member.get_by_text("25 chosen")).to_be_visible()
    expect(member.get_by_role("button", name="Export", exact=True)).to_be_visible()
    every.check()
    expect(member.get_by_text("All that match are chosen")).to_be_visible()
    member.get_by_role("button", name="Cancel").click()
    expect(member.get_by_role("heading", level=1)).to_have_text("Cancel 1 task?")
    member.get_by_role("link", name="No, back to the list").click()
    expect(member.get_by_role("link", name="job:Rehearsal")).to_be_visible()
    assert Task.objects.count() == 27, "nothing was started"


def test_without_javascript_a_change_of_all_that_match_asks_too(
    live: Stack, chromium: Browser, session: dict[str, str], staff: User
) -> None:
    TaskFactory.create_batch(26, owner=staff)
    context = chromium.new_context(java_script_enabled=False)
    steps.lend_session(context, live.url, session)
    page = context.new_page()
    page.goto(f"{live.url}/tasks/")
    page.get_by_label("choose all 26 that match, on every page").check()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Cancel 26 tasks?")
    page.get_by_role("button", name="Yes, cancel them").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Change many tasks")
    context.close()


@pytest.mark.parametrize("width_px", [320, 390])
def test_on_a_phone_the_whole_reason_of_a_failure_is_read_in_its_row(
    live: Stack, member: Page, running_task: Callable[..., Task], width_px: int
) -> None:
    reason = "The first row is empty; add the names of the columns and try it once more with the whole file."
    running_task(state=State.FAILED, error_code="no_header", error_text=reason, percent=61)
    member.set_viewport_size({"width": width_px, "height": 844})
    member.goto(f"{live.url}/tasks/")
    message = member.locator(".row .hp-message")
    expect(message).to_have_text(reason)
    assert message.evaluate("part => part.scrollWidth <= part.clientWidth && part.scrollHeight <= part.clientHeight")
    head = member.locator(".row .hp-head").bounding_box()
    told = message.bounding_box()
    assert head is not None
    assert told is not None
    assert told["width"] == pytest.approx(head["width"], abs=1), "a line of its own"
