"""A person is told on any page that a task of theirs has ended."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, Route, expect

from progress_app.events import State
from tasks_app import notices
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
