"""The keyboard alone: the keys of every page, and the whole way of a task."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from progress_app.events import State
from tasks_app.models import Task
from tests.browser import steps
from tests.stack import Stack


@pytest.mark.parametrize("path", ["/", "/jobs/rehearsal/", "/tasks/", "/ops/", "/doctor/", "task"])
def test_a_question_mark_shows_the_keys_and_a_button_does_too(
    live: Stack, member: Page, running_task: Callable[..., Task], path: str
) -> None:
    member.goto(live.url + (running_task().get_absolute_url() if path == "task" else path))
    dialog = member.get_by_role("dialog", name="Keys")
    expect(member.locator("#keys-open")).to_be_visible()
    member.keyboard.press("?")
    expect(dialog).to_be_visible()
    member.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    member.get_by_role("button", name="Keys").click()
    expect(dialog).to_contain_text("to the next and the previous" if path in ("/", "/tasks/") else "these keys")
    assert ("choose the task" in dialog.inner_text()) == (path == "/tasks/")


def test_digits_and_letters_go_where_the_keys_say(live: Stack, member: Page) -> None:
    member.goto(live.url)
    jobs = member.locator(".card-title a")
    for key, place in (("j", 0), ("j", 1), ("k", 0)):
        member.keyboard.press(key)
        expect(jobs.nth(place)).to_be_focused()
    member.keyboard.press("2")
    member.wait_for_url("**/tasks/")
    member.keyboard.press("1")
    expect(member.get_by_role("heading", level=1)).to_have_text("Jobs")


def test_who_types_types(live: Stack, member: Page) -> None:
    member.goto(f"{live.url}/jobs/rehearsal/")
    steps = member.get_by_label("Steps")
    steps.fill("")
    steps.press_sequentially("12")
    expect(steps).to_have_value("12")
    assert member.url.endswith("/jobs/rehearsal/")


def test_a_task_is_started_watched_and_cancelled_by_keyboard(live: Stack, member: Page) -> None:
    member.goto(f"{live.url}/jobs/rehearsal/")
    member.get_by_label("Duration in seconds").focus()
    member.keyboard.press("Control+A")
    member.keyboard.type("60")
    member.keyboard.press("Enter")
    member.wait_for_url("**/tasks/*/")
    steps.wait_for_percent(member, 1)
    for _ in range(20):
        if member.evaluate("document.activeElement.id") == "cancel":
            break
        member.keyboard.press("Tab")
    member.keyboard.press("Enter")
    steps.expect_state(member, "cancelled")
    expect(member.get_by_role("button", name="Run again", exact=True)).to_be_visible()
    member.keyboard.press("Tab")
    expect(member.get_by_role("button", name="Run again", exact=True)).to_be_focused()
    assert member.evaluate("scrollY") == 0


def test_the_list_by_keyboard(live: Stack, member: Page, running_task: Callable[..., Task]) -> None:
    tasks = [running_task(state=State.SUCCEEDED) for _ in range(3)]
    member.goto(f"{live.url}/tasks/")
    links = member.locator(".row-title a")
    expect(links).to_have_count(len(tasks))
    for key, place in (("j", 0), ("j", 1), ("k", 0)):
        member.keyboard.press(key)
        expect(links.nth(place)).to_be_focused()
    member.keyboard.press("x")
    expect(member.locator(".row-pick:checked")).to_have_count(1)
    member.keyboard.press("?")
    expect(member.get_by_role("dialog")).to_be_visible()
    member.keyboard.press("Escape")
    member.keyboard.press("/")
    member.keyboard.type("state:failed")
    member.keyboard.press("Enter")
    member.wait_for_url("**q=state%3Afailed**")
    expect(member.get_by_role("heading", name="Nothing matches")).to_be_visible()
    member.locator(".chip").click()
    expect(links).to_have_count(len(tasks))
