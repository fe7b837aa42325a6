"""The page of jobs follows what begins and ends, and nothing on it moves meanwhile."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from progress_app import connections
from progress_app.events import Snapshot, State
from tasks_app.models import Task
from tests.browser import steps
from tests.browser.test_stillness import NOTE_SHIFTS, top
from tests.stack import Stack

MakeTask = Callable[..., Task]


def tell(task: Task, state: State, percent: float) -> None:
    told = Snapshot(task=str(task.pk), job=task.job, attempt=1, state=state, percent=percent)
    connections.backend().publish(told, audience=(f"user-{task.owner_id}",))


def end(task: Task) -> None:
    tell(task, State.SUCCEEDED, 100)
    now = timezone.now()
    Task.objects.filter(pk=task.pk).update(state=State.SUCCEEDED, percent=100, started_at=now, finished_at=now)


@pytest.mark.parametrize("size", [(390, 844), (1280, 900)], ids=["phone", "desk"])
def test_what_begins_and_ends_is_shown_without_a_reload_and_moves_nothing(
    live: Stack, member: Page, running_task: MakeTask, size: tuple[int, int]
) -> None:
    width, height = size
    member.set_viewport_size({"width": width, "height": height})
    first = running_task()
    tell(first, State.RUNNING, 10)
    member.goto(live.url)
    title, card = member.locator("#now-title"), member.locator("#lately-rehearsal")
    expect(member.locator("#line-sign")).to_have_text("live")
    expect(title).to_have_text("Under way")
    expect(card).to_contain_text("Not run yet")
    member.evaluate(NOTE_SHIFTS)
    member.evaluate("window.shift = 0")
    before = top(member, ".shelf-title")
    second = running_task()
    tell(second, State.RUNNING, 20)
    expect(member.locator("#now-list > li")).to_have_count(2)
    expect(member.locator("#now-list > li").last).to_have_attribute("data-task", str(second.pk))
    end(first)
    expect(title).to_have_text("Under way and ended")
    expect(card).to_contain_text("Succeeded")
    end(second)
    expect(title).to_have_text("Just ended")
    expect(card.locator("rect")).to_have_count(2)
    expect(member.locator("#line-sign")).to_have_text("")
    assert top(member, ".shelf-title") == pytest.approx(before, abs=0.5)
    assert member.evaluate("window.shift") < 0.005


def test_the_first_task_is_told_to_who_reads_the_cards(live: Stack, member: Page, staff: User) -> None:
    with member.expect_response("**/events/?*"):
        member.goto(live.url)
    expect(member.locator("#now")).to_be_hidden()
    before = top(member, ".shelf-title")
    task = Task.objects.create(job="rehearsal", owner=staff, state=State.RUNNING, attempt=1)
    sign = member.get_by_role("link", name="A task of yours has begun: show it")

    def is_told() -> bool:
        tell(task, State.RUNNING, 10)
        return sign.is_visible()

    steps.wait_for(member, is_told, "the sign")
    assert top(member, ".shelf-title") == before
    sign.click()
    expect(member.locator("#now-list > li")).to_have_count(1)
