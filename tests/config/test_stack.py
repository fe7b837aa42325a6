"""The suite's own processes: what the other tests stand on."""

from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.stack import Stack


def test_the_live_worker_and_web_see_the_tests_database(live: Stack, staff: User, page: Page) -> None:
    page.goto(f"{live.url}/login/")
    page.get_by_label("Username").fill(staff.username)
    page.get_by_label("Password").fill("correct horse battery staple")
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(f"{live.url}/")


def test_an_own_stack_may_be_killed_and_restarted(stack: Stack) -> None:
    stack.worker.service.kill()
    stack.worker.start()
    stack.web.service.kill()
    stack.web.start()
    assert stack.worker.service.is_running
    assert stack.web.service.is_running
