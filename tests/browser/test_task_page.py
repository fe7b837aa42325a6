"""A task's page while it goes on: what moves within a stage, a thousand children, the word at the end."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from progress_app.events import Children, StageProgress, StageRef, StageState, State
from tasks_app.models import Task
from tests.browser import steps
from tests.browser.pretended import end, tell
from tests.browser.test_screens import MakeTask, live_task
from tests.factories import TaskFactory
from tests.stack import Stack

pytestmark = pytest.mark.long

LATER = "const now = Date.now; window.aheadMs = 0; Date.now = () => now() + window.aheadMs;"
BELOW_LAST_LINE_PX = """() => {
  const [frame, last] = [".log-frame", ".log-line:last-of-type"].map((part) => document.querySelector(part));
  return frame.getBoundingClientRect().bottom - last.getBoundingClientRect().bottom;
}"""
NOTIFICATIONS = """
  window.told = [];
  window.Notification = class {
    static permission = "default";
    static async requestPermission() { return (this.permission = "ANSWER"); }
    constructor(text) { window.told.push(text); }
  };
  Object.defineProperty(document, "hidden", { get: () => window.isAway ?? false });
"""


def test_the_waterfall_and_the_children_go_on_within_a_stage(live: Stack, member: Page, running_task: MakeTask) -> None:
    task = running_task(has_children=True)
    child = TaskFactory.create(parent=task, number=0, owner=task.owner, running=True)
    member.add_init_script(LATER)
    member.goto(f"{live.url}/tasks/{task.pk}/")
    steps.expect_connection(member, "live")
    tell(task, 10.0)
    piece = member.locator(".piece")
    expect(piece).to_have_attribute("data-state", "running")
    expect(member.locator(".lane-time[data-pieces] rect")).to_have_attribute("data-state", "running")
    Task.objects.filter(pk=child.pk).update(state=State.SUCCEEDED)
    member.evaluate("window.aheadMs = 11_000")
    tell(task, 11.0, children=Children(total=2, done=1))
    expect(piece).to_have_attribute("data-state", "succeeded")


@pytest.mark.parametrize("width_px", [320, 1280])
def test_a_thousand_children_stay_readable(live: Stack, member: Page, running_task: MakeTask, width_px: int) -> None:
    task = running_task(has_children=True)
    states = [State.FAILED if number % 100 == 7 else State.SUCCEEDED for number in range(1_000)]
    Task.objects.bulk_create(
        Task(job="rehearsal", owner=task.owner, parent=task, number=number, state=state)
        for number, state in enumerate(states)
    )
    member.set_viewport_size({"width": width_px, "height": 900})
    member.goto(f"{live.url}/tasks/{task.pk}/")
    pieces = member.locator(".piece")
    expect(pieces).to_have_count(1_000)
    size = pieces.first.bounding_box()
    assert size is not None
    assert min(size["width"], size["height"]) >= 24, "large enough to be hit"
    expect(member.get_by_role("link", name="10 Failed")).to_be_visible()
    steps.keep_picture(member, f"thousand-{width_px}")
    pieces.nth(7).click()
    member.wait_for_url(f"**/tasks/{task.children.get(number=7).pk}/")


def test_a_waiting_task_s_place_moves_while_one_looks(live: Stack, member: Page, running_task: MakeTask) -> None:
    ahead = running_task(state=State.QUEUED, attempt=0)
    task = running_task(state=State.QUEUED, attempt=0)
    member.goto(f"{live.url}/tasks/{task.pk}/")
    wait = member.locator("#bar [data-part=message]")
    expect(wait).to_contain_text("number 2 in line")
    Task.objects.filter(pk=ahead.pk).update(state=State.RUNNING, attempt=1)
    expect(wait).to_contain_text("next in line")


def test_a_notification_of_the_browser_tells_the_end_to_who_asked_and_is_away(
    live: Stack, member: Page, running_task: MakeTask
) -> None:
    task = live_task(running_task())
    member.add_init_script(NOTIFICATIONS.replace("ANSWER", "granted"))
    member.goto(f"{live.url}/tasks/{task.pk}/")
    steps.expect_connection(member, "live")
    button = member.get_by_role("button", name="In this browser")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    member.evaluate("window.isAway = true")
    tell(task, 100.0, State.SUCCEEDED)
    steps.wait_for(member, lambda: member.evaluate("window.told.length"), "the notification")
    assert member.evaluate("window.told") == ["Rehearsal: Succeeded"]


def test_who_did_not_ask_gets_no_notification(live: Stack, member: Page, running_task: MakeTask) -> None:
    task = live_task(running_task())
    member.add_init_script(NOTIFICATIONS.replace("ANSWER", "granted"))
    member.goto(f"{live.url}/tasks/{task.pk}/")
    steps.expect_connection(member, "live")
    member.evaluate("window.isAway = true")
    tell(task, 100.0, State.SUCCEEDED)
    steps.expect_state(member, "succeeded")
    assert member.evaluate("window.told") == []


def test_a_refused_permission_is_said(live: Stack, member: Page, running_task: MakeTask) -> None:
    task = live_task(running_task())
    member.add_init_script(NOTIFICATIONS.replace("ANSWER", "denied"))
    member.goto(f"{live.url}/tasks/{task.pk}/")
    member.get_by_role("button", name="In this browser").click()
    expect(member.locator("#tell-note")).to_have_text(re.compile("refuses notifications.*Allow them"))
    expect(member.get_by_role("button", name="In this browser")).to_be_disabled()


def test_a_granted_one_is_said_too_and_taken_back(live: Stack, member: Page, running_task: MakeTask) -> None:
    task = live_task(running_task())
    member.add_init_script(NOTIFICATIONS.replace("ANSWER", "granted"))
    member.goto(f"{live.url}/tasks/{task.pk}/")
    button = member.get_by_role("button", name="In this browser")
    button.click()
    expect(member.locator("#tell-note")).to_have_text(re.compile("will tell you"))
    expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    expect(member.locator("#tell-note")).to_be_hidden()


@pytest.mark.parametrize("width_px", [390, 1280])
def test_the_log_of_a_task_that_ended_under_one_s_eyes_is_as_long_as_its_lines(
    live: Stack, member: Page, running_task: MakeTask, width_px: int
) -> None:
    task = live_task(running_task())
    member.set_viewport_size({"width": width_px, "height": 900})
    member.goto(f"{live.url}/tasks/{task.pk}/")
    steps.expect_connection(member, "live")
    end(task, State.SUCCEEDED)
    expect(member.locator("#log")).to_have_class(re.compile("log-ended"))
    assert member.evaluate(BELOW_LAST_LINE_PX) <= 32, "no empty sheet below the last line"


def test_that_a_task_failed_is_said_once(live: Stack, member: Page, running_task: MakeTask) -> None:
    task = live_task(running_task())
    member.goto(f"{live.url}/tasks/{task.pk}/")
    steps.expect_connection(member, "live")
    end(task, State.FAILED, error_code="torn", error_text="Row 7 is torn.")
    expect(member.get_by_role("heading", name="What went wrong")).to_be_visible()
    for _ in ("as it was seen live", "as it is drawn"):
        expect(member.locator("main :text-is('Failed'):not([role=status])")).to_have_count(1)
        expect(member.get_by_text("Row 7 is torn.").filter(visible=True)).to_have_count(1)
        member.reload()


def test_the_main_thing_to_do_comes_first_on_a_phone(live: Stack, member: Page, running_task: MakeTask) -> None:
    task = running_task(state=State.SUCCEEDED, percent=100)
    member.set_viewport_size({"width": 390, "height": 844})
    member.goto(f"{live.url}/tasks/{task.pk}/")
    again, changed = member.locator("#retry").bounding_box(), member.locator("#again").bounding_box()
    assert again is not None
    assert changed is not None
    assert (again["y"], again["x"]) < (changed["y"] + changed["height"] / 2, changed["x"])


def test_the_picture_over_time_grows_while_one_looks(live: Stack, member: Page, running_task: MakeTask) -> None:
    task = live_task(running_task(started_at=timezone.now()))
    member.goto(f"{live.url}/tasks/{task.pk}/")
    lane = member.locator(".lane", has_text="Load")
    bar, frame = lane.locator("rect[data-open]"), lane.locator(".lane-time")
    before = float(bar.get_attribute("width") or 0)
    drawn = frame.get_attribute("viewBox") or ""
    steps.wait_for(member, lambda: float(bar.get_attribute("width") or 0) > before, "the bar of what runs to grow")
    assert frame.get_attribute("viewBox") != drawn
    expect(member.locator(".lane", has_text="Tidy up").locator("rect")).to_have_count(0)


def test_the_picture_stands_still_while_nobody_knows_whether_the_task_goes_on(
    live: Stack, member: Page, running_task: MakeTask
) -> None:
    begun = timezone.now() - timedelta(minutes=1)  # seconds more do not have it drawn anew
    task = live_task(running_task(created_at=begun, started_at=begun))
    member.clock.install()
    member.goto(f"{live.url}/tasks/{task.pk}/")
    steps.expect_connection(member, "live")
    bar = member.locator("rect[data-open]")
    before = float(bar.get_attribute("width") or 0)
    member.clock.run_for(5_000)
    seen = float(bar.get_attribute("width") or 0)
    assert seen >= before + 4
    member.context.set_offline(True)
    steps.expect_connection(member, "offline")
    lost = float(bar.get_attribute("width") or 0)
    member.clock.run_for(5_000)
    assert float(bar.get_attribute("width") or 0) == lost


@pytest.mark.parametrize("width_px", [390, 1280])
def test_nothing_below_the_bar_moves_when_a_waiting_task_starts(
    live: Stack, member: Page, running_task: MakeTask, width_px: int
) -> None:
    task = running_task(job="profile_csv", state=State.QUEUED, attempt=0)
    member.set_viewport_size({"width": width_px, "height": 900})
    member.goto(f"{live.url}/tasks/{task.pk}/")
    steps.expect_connection(member, "live")
    below = ["#outcome", ".columns", "#waterfall"]
    tops = "(parts) => parts.map((part) => document.querySelector(part).getBoundingClientRect().top + scrollY)"
    before = member.evaluate(tops, below)
    Task.objects.filter(pk=task.pk).update(state=State.RUNNING, attempt=1, started_at=timezone.now())
    names = ("Read", "Profile", "Report")
    states = (StageState.RUNNING, StageState.PENDING, StageState.PENDING)
    stages = tuple(StageProgress(name=name, state=state) for name, state in zip(names, states, strict=True))
    tell(task, 10.0, stages=stages, stage=StageRef(index=0, name="Read"), current=1, total=10, unit="rows", rate=2.0)
    expect(member.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "10")
    expect(member.locator(".lane[data-state=running]")).to_have_count(1)
    assert member.evaluate(tops, below) == before
