"""Nothing that somebody reads moves when a task ends under their eyes; what came is whole when they turn to it."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from progress_app import connections
from progress_app.events import Eta, Fault, LogEntry, Snapshot, StageProgress, StageRef, StageState, State
from tasks_app.jobs.rehearsal import STAGES
from tasks_app.models import Attachment, Task
from tests.browser import steps
from tests.stack import Stack

NOTE_SHIFTS = """
window.shift = 0;
window.moved = []; // what moved, for eyes
new PerformanceObserver((list) => {
  for (const { hadRecentInput, value, sources } of list.getEntries()) {
    if (hadRecentInput) continue;
    window.shift += value;
    for (const { node, previousRect: from, currentRect: to } of sources) {
      const name = node?.className || node?.id || node?.parentElement?.className || node?.nodeName;
      window.moved.push(`${name}: ${from.x},${from.y} -> ${to.x},${to.y}`);
    }
  }
}).observe({ type: "layout-shift", buffered: true });
"""
MESSAGE = "Reading what was given"
WARNINGS = [f"row {row} was too short" for row in range(20)]  # more than the room that was kept
RESULT = {"rows": 60_000, "columns": 12, "warnings": WARNINGS, "kind": "CSV", "bytes": 123_456}


def staged(state: StageState) -> tuple[StageProgress, ...]:
    return tuple(StageProgress(name=name, state=state, percent=50, seconds=2.5) for name in STAGES)


def report(task: Task, log: Iterable[LogEntry] = (), **told: Any) -> None:
    """Report as the job would: `told` are fields of the snapshot."""
    stage = StageRef(index=0, name=STAGES[0])
    fields: dict[str, Any] = {"state": State.RUNNING, "stages": staged(StageState.RUNNING), "stage": stage, **told}
    connections.backend().publish(Snapshot(task=str(task.pk), attempt=1, **fields), log=list(log))


def end(task: Task, state: State, **fields: Any) -> None:
    Task.objects.filter(pk=task.pk).update(state=state, **fields)
    error = Fault(code="x", text=fields["error_text"]) if state is State.FAILED else None
    connections.backend().publish(
        Snapshot(
            task=str(task.pk), state=state, attempt=1, percent=None if error else 100.0, error=error,
            stages=staged(StageState.DONE), elapsed=9.0,
        )
    )  # fmt: skip


def top(page: Page, selector: str) -> float:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["y"]


@pytest.fixture(params=[(390, 844), (1280, 900)], ids=["phone", "desk"])
def watched(
    live: Stack, member: Page, running_task: Callable[..., Task], request: pytest.FixtureRequest
) -> tuple[Page, Task]:
    """Open the page of a task that runs, and see it move."""
    width, height = request.param
    task = running_task()
    log = [LogEntry(task=str(task.pk), text=f"{n} read", ts=n) for n in range(9)]
    report(task, log, current=421, total=1_000, percent=42.1, unit="rows", message=MESSAGE, elapsed=7.0)
    member.set_viewport_size({"width": width, "height": height})
    member.goto(live.url + task.get_absolute_url())
    steps.expect_connection(member, "live")
    expect(member.locator("#waterfall .lane")).not_to_have_count(0)
    member.evaluate(NOTE_SHIFTS)
    return member, task


def test_a_result_takes_the_place_that_was_kept_for_it(watched: tuple[Page, Task]) -> None:
    page, task = watched
    for name in ("report-of-the-file.html", "profile.json"):
        Attachment.objects.create(task=task, name=name, size=1_234, file="x")
    page.evaluate("window.shift = 0")
    before = top(page, ".columns")
    end(task, State.SUCCEEDED, result=RESULT)
    expect(page.locator("#outcome")).to_have_attribute("data-state", "succeeded")
    expect(page.get_by_role("link", name="report-of-the-file.html")).to_be_visible()
    expect(page.get_by_role("button", name="Show all")).to_be_visible()
    assert top(page, ".columns") == pytest.approx(before, abs=1)
    assert page.evaluate("window.moved") == []
    page.locator("#outcome").hover(position={"x": 5, "y": 5})
    assert top(page, ".columns") == pytest.approx(before, abs=1)
    page.get_by_role("button", name="Show all").click()
    expect(page.locator("[data-held]")).to_have_count(0)
    assert top(page, ".columns") > before
    expect(page.get_by_role("button", name="Show all")).to_be_hidden()


@pytest.mark.parametrize("width_px", [320, 390])
@pytest.mark.parametrize("position", [1, 12])
def test_a_place_in_line_fits_on_a_phone(
    live: Stack, member: Page, running_task: Callable[..., Task], width_px: int, position: int
) -> None:
    task = running_task(state=State.QUEUED, attempt=0, started_at=None)
    member.set_extra_http_headers({"Accept-Language": "de"})
    member.set_viewport_size({"width": width_px, "height": 844})
    member.goto(live.url + task.get_absolute_url())
    line = {"state": "queued", "queue": {"position": position, "starts_in_s": 3_725}}
    member.evaluate("(line) => document.querySelector('progress-bar').show({ stages: [], ...line })", line)
    expect(member.locator("[data-part=message]")).to_contain_text("Reihe")
    assert member.evaluate("document.documentElement.scrollWidth") == width_px


LONG = "Comparing what was read with what the other side said of it, line by line, and then the other way round"
AHEAD = Eta(low=5, high=800)
ROWS: dict[str, Any] = {"total": 100, "unit": "rows"}
RUN: tuple[tuple[str, dict[str, Any]], ...] = (
    ("", {"elapsed": 0.1}),
    ("9%", {"percent": 9.0, "current": 9, "elapsed": 9.0, "message": "9", **ROWS}),
    ("10%", {"percent": 10.5, "elapsed": 59.0, "rate": 1_234.0, "unit": "rows", "message": LONG}),
    ("99%", {"percent": 99.0, "current": 99, "elapsed": 3_700.0, "rate": 0.2, "eta": AHEAD, "message": LONG, **ROWS}),
    ("98%", {"percent": 98.0, "current": 98, "elapsed": 3_790.0, "stalled_s": 90.0, "eta": AHEAD, **ROWS}),
    ("97%", {"state": State.RETRYING, "percent": 97.0, "elapsed": 3_800.0, "message": "Once more"}),
    ("7 rows", {"current": 7, "unit": "rows", "elapsed": 1.0}),
    ("50%", {"state": State.CANCELLING, "percent": 50.0, "elapsed": 2.0, "message": LONG}),
)


@pytest.mark.parametrize("width_px", [320, 390, 768, 1280])
def test_nothing_moves_from_the_queue_to_the_end_whatever_is_told(
    live: Stack, member: Page, running_task: Callable[..., Task], width_px: int
) -> None:
    member.set_viewport_size({"width": width_px, "height": 844})
    member.add_init_script(NOTE_SHIFTS)
    task = running_task(state=State.QUEUED, attempt=0, started_at=None)
    member.goto(live.url + task.get_absolute_url())
    steps.expect_connection(member, "live")
    Task.objects.filter(pk=task.pk).update(state=State.RUNNING, attempt=1, started_at=timezone.now(), worker="w@one")
    bar = member.locator("progress-bar").first
    for shown, told in RUN:
        report(task, **told)
        expect(bar.locator("[data-part=percent]")).to_have_text(shown)
    end(task, State.CANCELLED, finished_at=timezone.now())
    expect(member.locator("#outcome")).to_have_attribute("data-state", "cancelled")
    expect(member.get_by_role("button", name="Run again", exact=True)).to_be_visible()
    member.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
    assert member.evaluate("window.moved") == []


def test_a_finger_has_a_button_for_the_rest_of_a_result(watched: tuple[Page, Task]) -> None:
    page, task = watched
    end(task, State.SUCCEEDED, result=RESULT)
    page.get_by_role("button", name="Show all").dispatch_event("click")
    expect(page.get_by_text("123,456")).to_be_visible()
    expect(page.locator("[data-held]")).to_have_count(0)


def test_an_error_does_not_move_the_rest_either(watched: tuple[Page, Task]) -> None:
    page, task = watched
    page.evaluate("window.shift = 0")
    before = top(page, ".columns")
    end(task, State.FAILED, error_text="The first row is empty; add the names of the columns.", traceback="a\n" * 30)
    expect(page.get_by_role("heading", name="What went wrong")).to_be_visible()
    assert top(page, ".columns") == pytest.approx(before, abs=1)
    assert page.evaluate("window.moved") == []


def test_where_nobody_looks_the_result_is_whole_at_once(watched: tuple[Page, Task]) -> None:
    page, task = watched
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    page.set_viewport_size({"width": 900, "height": 200})
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    end(task, State.SUCCEEDED, result=RESULT)
    expect(page.locator("#outcome")).to_have_attribute("data-state", "succeeded")
    expect(page.locator("[data-held]")).to_have_count(0)


def test_a_log_without_lines_says_whether_any_may_come(
    live: Stack, member: Page, running_task: Callable[..., Task]
) -> None:
    task = running_task()
    member.goto(live.url + task.get_absolute_url())
    steps.expect_connection(member, "live")
    expect(member.locator(".log-empty")).to_have_text("Nothing logged so far.", use_inner_text=True)
    end(task, State.SUCCEEDED)
    expect(member.locator(".log-empty")).to_have_text("Nothing was logged.", use_inner_text=True)
