"""The end of a task on its page: always told, with its result or why there is none, in the room that was kept."""

import re

import pytest
from playwright.sync_api import Page, expect

from progress_app.events import StageProgress, StageRef, StageState, State
from tasks_app.models import Attachment, Task
from tests.browser import steps
from tests.browser.pretended import end, tell
from tests.browser.test_screens import MakeTask
from tests.stack import Stack

pytestmark = pytest.mark.long

RESULT = {"rows": 60_000, "columns": 12, "warnings": ["3 rows were too short", "1 column has no name"]}
# Past the second between two looks, not past the ten after which the picture is taken anew in any case.
AHEAD = """for (const [clock, aheadMs] of [[performance, 60_000], [Date, 5_000]]) {
  const now = clock.now.bind(clock);
  clock.now = () => now() + (window.isAhead ? aheadMs : 0);
}"""
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_an_end_that_is_told_before_its_row_is_written_comes_without_a_reload(
    live: Stack, member: Page, running_task: MakeTask
) -> None:
    task = running_task()
    tell(task, 100.0, State.SUCCEEDED)
    with member.expect_request(
        lambda request: request.is_navigation_request() is False and str(task.pk) in request.url
    ):
        member.goto(live.url + task.get_absolute_url())
    expect(member.locator("#cancel")).to_be_visible()
    Task.objects.filter(pk=task.pk).update(state=State.SUCCEEDED, result=RESULT)
    expect(member.locator("#outcome")).to_have_attribute("data-state", "succeeded")
    expect(member.get_by_text("60,000")).to_be_visible()
    expect(member.locator("#cancel")).to_have_count(0)


def test_the_page_and_the_toast_name_the_file_that_was_given(live: Stack, member: Page, running_task: MakeTask) -> None:
    task = running_task(job="profile_csv")
    Attachment.objects.create(task=task, name="orders.csv", size=9, file="x", field="upload")
    member.goto(live.url + task.get_absolute_url())
    expect(member).to_have_title(re.compile("Profile a CSV file: orders.csv"))
    expect(member.get_by_role("heading", level=1)).to_have_text(re.compile(r"Profile a CSV file\s+orders.csv"))
    steps.expect_connection(member, "live")
    member.set_viewport_size({"width": 900, "height": 300})
    member.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    end(task, State.SUCCEEDED)
    expect(member.locator("#toasts").get_by_text("Profile a CSV file orders.csv: Succeeded")).to_be_visible()


@pytest.mark.parametrize("reloads", [False, True])
def test_a_stage_in_which_a_task_ended_runs_no_more(
    live: Stack, member: Page, running_task: MakeTask, *, reloads: bool
) -> None:
    task = running_task()
    member.goto(live.url + task.get_absolute_url())
    steps.expect_connection(member, "live")
    stages = (StageProgress(name="Read", state=StageState.RUNNING, percent=40.0), StageProgress(name="Load"))
    tell(task, 20.0, stages=stages, stage=StageRef(index=0, name="Read"))
    stage = member.locator(".hp-stage").first
    expect(stage).to_have_attribute("aria-current", "step")
    Task.objects.filter(pk=task.pk).update(state=State.FAILED, error_text="Row 7 is torn.")
    tell(task, 20.0, State.FAILED, stages=stages)
    if reloads:
        expect(member.locator("#outcome")).to_have_attribute("data-state", "failed")
        member.reload()
    expect(stage).to_have_attribute("data-state", "stopped")
    expect(stage).to_have_text(re.compile(r"Read\s+stopped"))
    expect(stage).not_to_have_attribute("aria-current", "step")


@pytest.mark.parametrize(
    ("state", "words"),
    [(State.CANCELLED, "It ended without a result."), (State.SUCCEEDED, "It has ended well; there is no result")],
)
def test_where_no_result_is_it_says_so(
    live: Stack, member: Page, running_task: MakeTask, state: State, words: str
) -> None:
    task = running_task()
    member.goto(live.url + task.get_absolute_url())
    steps.expect_connection(member, "live")
    end(task, state)
    expect(member.get_by_text(words)).to_be_visible()


@pytest.mark.parametrize("width_px", [390, 1280])
def test_a_result_like_the_last_one_is_whole_at_once(
    live: Stack, member: Page, running_task: MakeTask, width_px: int
) -> None:
    before = running_task(state=State.SUCCEEDED, result=RESULT)
    task = running_task()
    member.set_viewport_size({"width": width_px, "height": 900})
    member.goto(live.url + task.get_absolute_url())
    steps.expect_connection(member, "live")
    for made in (before, task):
        Attachment.objects.create(task=made, name="report-of-the-whole-file.html", size=1_234, file="x")
    member.reload()
    steps.expect_connection(member, "live")
    end(task, State.SUCCEEDED, result=RESULT)
    expect(member.locator("#outcome")).to_have_attribute("data-state", "succeeded")
    expect(member.get_by_text("1 column has no name")).to_be_in_viewport(ratio=1)
    expect(member.get_by_role("button", name="Show all")).to_be_hidden()


@pytest.mark.parametrize("width_px", [390, 1280])
def test_an_open_traceback_stays_in_its_frame(live: Stack, member: Page, running_task: MakeTask, width_px: int) -> None:
    task = running_task(
        state=State.FAILED, error_text="x" * 300, error_code="x", traceback="def " + "long_name(" * 80 + "\n" * 40
    )
    member.set_viewport_size({"width": width_px, "height": 900})
    member.goto(live.url + task.get_absolute_url())
    member.get_by_text("Traceback").click()
    expect(member.locator(".traceback")).to_be_visible()
    assert member.evaluate(WIDER) == 0


def test_the_marks_of_time_are_those_of_the_time_that_has_passed(
    live: Stack, member: Page, running_task: MakeTask
) -> None:
    task = running_task()
    member.add_init_script(AHEAD)
    member.goto(live.url + task.get_absolute_url())
    steps.expect_connection(member, "live")
    picture = member.locator(".waterfall")
    drawn = float(picture.get_attribute("data-whole-s") or 0)
    member.evaluate("window.isAhead = true")
    expect(picture).not_to_have_attribute("data-whole-s", f"{drawn:.3f}")
