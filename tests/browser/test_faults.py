"""What a viewer sees when something breaks, and that it is right again afterwards."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tasks_app.models import Task
from tests.browser import steps
from tests.gated_jobs import TOTAL, Gate
from tests.stack import Stack

MakeTask = Callable[..., Task]


@pytest.fixture
def watched(  # noqa: PLR0917  (fixtures)
    stack: Stack, context: BrowserContext, page: Page, session: dict[str, str], gated: Callable[[], Task], gate: Gate
) -> Page:
    """Open the page of a gated task, which is at its tenth step, on a server that the test may kill."""
    steps.lend_session(context, stack.url, session)
    page.add_init_script(steps.NOTE_WHAT_IS_PAINTED)
    page.goto(f"{stack.url}/tasks/{gated().pk}/")
    gate.open(10)
    steps.wait_for_percent(page, 10)
    steps.expect_connection(page, "live")
    return page


def test_a_killed_server_is_told_and_then_the_truth(stack: Stack, watched: Page, gate: Gate) -> None:
    stack.web.service.kill()
    steps.expect_connection(watched, "reconnecting")
    expect(watched.locator("[data-part=connection]")).to_contain_text("reconnecting")
    steps.keep_picture(watched, "reconnecting")
    gate.open(40)
    stack.web.start()
    steps.expect_connection(watched, "live")
    steps.wait_for_percent(watched, 40)
    gate.open(TOTAL)
    steps.expect_state(watched, "succeeded")
    assert steps.never_falls(steps.painted(watched))
    expect(watched.locator(".log-line .log-text")).to_have_text(["at step 10", "at step 40", "at step 100"])


def test_a_task_that_ends_while_the_server_is_away_is_shown_as_ended(stack: Stack, watched: Page, gate: Gate) -> None:
    stack.web.service.kill()
    steps.expect_connection(watched, "reconnecting")
    gate.open(TOTAL)
    steps.wait_for(watched, lambda: Task.objects.filter(finished_at__isnull=False).exists(), "the task ended")
    stack.web.start()
    steps.expect_state(watched, "succeeded")
    expect(watched.locator("#outcome")).to_contain_text("Steps")


@pytest.fixture
def open_task(live: Stack, member: Page, running_task: MakeTask) -> Page:
    """Open the page of a task that goes on for as long as the test."""
    member.goto(f"{live.url}/tasks/{running_task().pk}/")
    steps.expect_connection(member, "live")
    return member


def test_without_a_network_the_page_says_offline(open_task: Page) -> None:
    open_task.context.set_offline(True)
    steps.expect_connection(open_task, "offline")
    open_task.context.set_offline(False)
    steps.expect_connection(open_task, "live")


def test_who_is_logged_out_is_told(open_task: Page) -> None:
    open_task.context.clear_cookies()
    open_task.context.set_offline(True)  # the stream has to be opened anew
    open_task.context.set_offline(False)
    steps.expect_connection(open_task, "denied")
    expect(open_task.locator("[data-part=connection]")).to_contain_text("log in again")


def test_a_page_out_of_the_browsers_memory_is_live_again(live: Stack, open_task: Page) -> None:
    open_task.get_by_role("link", name="Jobs", exact=True).click()
    open_task.wait_for_url(f"{live.url}/")
    open_task.go_back()
    steps.expect_connection(open_task, "live")
