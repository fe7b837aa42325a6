"""The keys work on every page, and every page has a sign of them."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tasks_app.models import Task
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
