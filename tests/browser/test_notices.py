"""A person is told on any page that a task of theirs has ended."""

import pytest
from django.contrib.auth.models import User
from django_eventstream import send_event
from playwright.sync_api import Browser, Page, Route, expect

from progress_app.events import State
from tasks_app import notices
from tasks_app.models import Attachment, Task
from tests.browser import steps
from tests.factories import TaskFactory
from tests.stack import Stack

NASTY = "<img src=x onerror=alert(1)>"


@pytest.mark.parametrize("way", ["sse", "poll"])
def test_the_catalogue_tells_that_a_task_of_mine_has_ended(live: Stack, member: Page, staff: User, way: str) -> None:
    if way == "poll":
        member.route("**/events/**", lambda route: route.abort())
    with member.expect_response("**/notices/" if way == "poll" else "**/events/?*"):
        member.goto(live.url)
    task = TaskFactory.create(owner=staff, ended=True, job=NASTY)
    assert notices.tell(task, State.SUCCEEDED)
    toast = member.locator(".toast")
    expect(toast).to_have_text(f"{NASTY}: Succeeded")
    expect(toast).to_have_count(1)
    expect(toast.get_by_role("link")).to_have_attribute("href", f"/tasks/{task.pk}/")
    assert member.evaluate("window.dialogs") == 0


@pytest.mark.parametrize("earlier", [0, 2])
def test_what_ends_between_the_drawing_of_a_page_and_its_stream_is_told(
    live: Stack, member: Page, staff: User, earlier: int
) -> None:
    for _ in range(earlier):
        assert notices.tell(TaskFactory.create(owner=staff, ended=True), State.SUCCEEDED)
    held: list[Route] = []
    member.route("**/events/**", lambda route: held.append(route))  # noqa: PLW0108 - it is marked as a handler
    member.goto(live.url)
    steps.wait_for(member, lambda: held, "the stream to be asked for")
    assert notices.tell(TaskFactory.create(owner=staff, ended=True, job="late"), State.FAILED)
    for route in held:
        route.continue_()
    expect(member.locator(".toast")).to_have_text("late: Failed")


def ended(page: Page, staff: User) -> Task:
    """Have a task end, and wait for the toast."""
    task = TaskFactory.create(owner=staff, ended=True)
    assert notices.tell(task, State.SUCCEEDED)
    expect(page.locator(".toast")).to_have_count(1, timeout=30_000)
    return task


def test_a_notice_goes_by_its_button_or_escape_and_stays_in_the_bell_until_it_was_opened(
    live: Stack, member: Page, staff: User
) -> None:
    with member.expect_response("**/events/?*", timeout=20_000):
        member.goto(live.url)
    bell = member.locator("#news")
    expect(bell).to_be_hidden()
    first = ended(member, staff)
    expect(member.locator("#told")).to_have_text("Rehearsal: Succeeded")
    member.get_by_role("button", name="Close").click()
    expect(member.locator(".toast")).to_have_count(0)
    second = ended(member, staff)
    member.locator(".toast a").focus()
    member.keyboard.press("Escape")
    expect(member.locator(".toast")).to_have_count(0)
    member.goto(f"{live.url}/tasks/")
    expect(bell.locator("#news-count")).to_have_text("2")
    member.locator("#news summary").focus()
    member.keyboard.press("Enter")
    links = bell.get_by_role("link")
    paths = [f"/tasks/{task.pk}/" for task in (second, first)]
    assert [link.get_attribute("href") for link in links.all()] == paths
    expect(bell.locator("[data-new]")).to_have_count(2)
    expect(bell.locator("time").first).not_to_be_empty()
    expect(bell.locator("#news-count")).to_have_text("")
    member.keyboard.press("Escape")
    expect(links.first).to_be_hidden()
    with member.expect_response("**/notices/"):
        member.reload()
    expect(bell).to_be_visible()
    expect(bell.locator("#news-count")).to_have_text("")
    member.locator("#news summary").click()
    expect(bell.locator("[data-new]")).to_have_count(0)
    links.first.click()
    member.wait_for_url(f"**{paths[0]}")


def test_a_task_s_own_page_in_sight_is_enough_and_another_device_knows(
    live: Stack, member: Page, chromium: Browser, session: dict[str, str], staff: User
) -> None:
    """The phone is told what the desk was told, and nothing that the desk has seen."""
    own = TaskFactory.create(owner=staff, job="profile_csv", state=State.RUNNING)
    Attachment.objects.create(task=own, field="upload", name="orders.csv", size=1, file="x")
    with member.expect_response("**/events/?*"):
        member.goto(live.url + own.get_absolute_url())
    with member.expect_response("**/notices/seen/"):
        assert notices.tell(own, State.FAILED)
    expect(member.locator(".toast")).to_have_count(0)
    expect(member.locator("#news-count")).to_have_text("")
    other = TaskFactory.create(owner=staff, job="profile_csv", ended=True)
    Attachment.objects.create(task=other, field="upload", name="customers.csv", size=1, file="x")
    assert notices.tell(other, State.FAILED)
    expect(member.locator(".toast")).to_have_text("customers.csv – Profile a CSV file: Failed")
    elsewhere = chromium.new_context()
    steps.lend_session(elsewhere, live.url, session)
    phone = elsewhere.new_page()
    phone.goto(live.url)
    expect(phone.locator("#news-count")).to_have_text("1")
    phone.locator("#news summary").click()
    lines = phone.locator("#news-list li")
    expect(lines).to_have_count(2)
    expect(lines.first).to_contain_text("customers.csv ·")
    expect(lines.last).to_contain_text("orders.csv ·")
    expect(lines.and_(phone.locator("[data-new]"))).to_have_count(1)
    elsewhere.close()


def test_what_lies_under_a_notice_can_be_scrolled_free_on_a_phone(live: Stack, member: Page, staff: User) -> None:
    member.set_viewport_size({"width": 360, "height": 640})
    with member.expect_response("**/events/?*", timeout=20_000):
        member.goto(live.url)
    ended(member, staff)
    member.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    end, toast = member.locator("footer.bottom").bounding_box(), member.locator(".toast").bounding_box()
    assert end is not None
    assert toast is not None
    assert end["y"] + end["height"] <= toast["y"]


@pytest.mark.parametrize("width_px", [320, 390])
def test_many_notices_leave_a_phone_its_header_and_its_page(
    live: Stack, member: Page, staff: User, width_px: int
) -> None:
    member.set_viewport_size({"width": width_px, "height": 700})
    member.set_extra_http_headers({"Accept-Language": "de"})
    with member.expect_response("**/events/?*", timeout=20_000):
        member.goto(live.url)
    top = member.locator(".top")
    before = top.bounding_box()
    for _ in range(12):
        assert notices.tell(TaskFactory.create(owner=staff, ended=True), State.SUCCEEDED)
    expect(member.locator("#news summary")).to_contain_text("9+")
    expect(member.locator(".toast").locator("visible=true")).to_have_count(1)
    assert top.bounding_box() == before
    assert member.evaluate("document.documentElement.scrollWidth") == width_px


def test_a_notice_of_other_code_is_shown_and_leaves_the_bell_alone(live: Stack, member: Page, staff: User) -> None:
    with member.expect_response("**/events/?*"):
        member.goto(live.url)
    send_event(f"user-{staff.pk}", "notification", {"text": NASTY})
    expect(member.locator(".toast")).to_have_text(NASTY)
    task = TaskFactory.create(owner=staff, ended=True)
    assert notices.tell(task, State.SUCCEEDED)
    expect(member.locator(".toast")).to_have_count(2)
    member.goto(f"{live.url}/tasks/")
    member.locator("#news summary").click()
    expect(member.locator("#news-list li")).to_have_count(1)
    assert member.evaluate("window.dialogs") == 0
