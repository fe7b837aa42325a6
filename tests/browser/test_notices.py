"""A person is told on any page that a task of theirs has ended."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from progress_app.events import State
from tasks_app import notices
from tests.factories import TaskFactory
from tests.stack import Stack

NASTY = "<img src=x onerror=alert(1)>"


@pytest.mark.parametrize("way", ["sse", "poll"])
def test_the_catalogue_tells_that_a_task_of_mine_has_ended(live: Stack, member: Page, staff: User, way: str) -> None:
    if way == "poll":
        member.route("**/events/**", lambda route: route.abort())
    with member.expect_response("**/notices/" if way == "poll" else "**/events/?*", timeout=20_000):
        member.goto(live.url)
    task = TaskFactory.create(owner=staff, ended=True, job=NASTY)
    assert notices.tell(task, State.SUCCEEDED)
    toast = member.locator(".toast")
    expect(toast).to_have_text(f"{NASTY}: Succeeded", timeout=30_000)
    expect(toast).to_have_count(1)
    expect(toast.get_by_role("link")).to_have_attribute("href", f"/tasks/{task.pk}/")
    assert member.evaluate("window.dialogs") == 0
