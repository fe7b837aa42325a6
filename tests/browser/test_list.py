"""The list of tasks says that there are new ones, and leaves the rows where they are until somebody wants them."""

from collections.abc import Callable

from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

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
