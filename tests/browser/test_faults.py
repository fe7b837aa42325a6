"""What a viewer sees when something breaks, and that it is right again afterwards."""

from django.contrib.auth.models import User
from playwright.sync_api import BrowserContext, Page, expect

from tasks_app.models import Task
from tests.browser import steps
from tests.stack import Stack


def _watch(stack: Stack, context: BrowserContext, page: Page, session: dict[str, str], seconds: float) -> None:
    steps.lend_session(context, stack.url, session)
    page.add_init_script(steps.NOTE_WHAT_IS_PAINTED)
    steps.start_rehearsal(page, stack.url, seconds=seconds)
    steps.expect_connection(page, "live")


def test_a_killed_server_is_told_and_then_the_truth(
    stack: Stack, context: BrowserContext, page: Page, session: dict[str, str]
) -> None:
    _watch(stack, context, page, session, seconds=15)
    steps.wait_for_percent(page, 2)
    stack.web.service.kill()
    steps.expect_connection(page, "reconnecting")
    expect(page.locator("[data-part=connection]")).to_contain_text("reconnecting")
    stood = steps.percent(page)
    steps.keep_picture(page, "reconnecting")
    stack.web.start()
    steps.expect_connection(page, "live", within_ms=40_000)
    assert steps.wait_for_percent(page, stood + 1) > stood
    steps.expect_state(page, "succeeded", within_ms=40_000)
    assert steps.never_falls(steps.painted(page))
    lines = page.locator(".log-line .log-text").all_inner_texts()
    assert len(lines) == len(set(lines)) == 10


def test_a_task_that_ends_while_the_server_is_away_is_shown_as_ended(
    stack: Stack, context: BrowserContext, page: Page, session: dict[str, str], staff: User
) -> None:
    _watch(stack, context, page, session, seconds=3)
    stack.web.service.kill()
    steps.expect_connection(page, "reconnecting")
    steps.wait_for(page, lambda: Task.objects.filter(owner=staff, finished_at__isnull=False).exists(), "the task ended")
    stack.web.start()
    steps.expect_state(page, "succeeded", within_ms=40_000)
    expect(page.locator("#outcome")).to_contain_text("steps")


def test_without_a_network_the_page_says_offline(live: Stack, member: Page) -> None:
    steps.start_rehearsal(member, live.url, seconds=10)
    steps.expect_connection(member, "live")
    member.context.set_offline(True)
    steps.expect_connection(member, "offline")
    member.context.set_offline(False)
    steps.expect_connection(member, "live")


def test_who_is_logged_out_is_told(live: Stack, member: Page) -> None:
    steps.start_rehearsal(member, live.url, seconds=30)
    steps.expect_connection(member, "live")
    member.context.clear_cookies()
    member.context.set_offline(True)  # the stream has to be opened anew
    member.context.set_offline(False)
    steps.expect_connection(member, "denied")
    expect(member.locator("[data-part=connection]")).to_contain_text("log in again")


def test_a_page_out_of_the_browsers_memory_is_live_again(live: Stack, member: Page) -> None:
    steps.start_rehearsal(member, live.url, seconds=10)
    steps.expect_connection(member, "live")
    member.get_by_role("link", name="Jobs", exact=True).click()
    member.wait_for_url(f"{live.url}/")
    member.go_back()
    steps.expect_connection(member, "live")
