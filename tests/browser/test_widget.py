"""The widget on a page: what it tells a screen reader, and what it does with what it is given."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from progress_app import connections
from progress_app.events import Eta, LogEntry, Snapshot, StageProgress, StageRef, StageState, State
from tasks_app.models import Task
from tests.browser import steps
from tests.stack import Stack

MakeTask = Callable[..., Task]
SCRIPT = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def _publish(task: Task, log: tuple[LogEntry, ...] = (), **fields: Any) -> None:
    given: dict[str, Any] = {"state": State.RUNNING, "attempt": 1, "job": task.job, "elapsed": 3.0} | fields
    connections.backend().publish(Snapshot(task=str(task.pk), **given), log=log)


def _open(live: Stack, page: Page, task: Task) -> None:
    page.goto(f"{live.url}/tasks/{task.pk}/")
    steps.expect_connection(page, "live")


def _say(task: Task, text: str) -> LogEntry:
    return LogEntry(task=str(task.pk), text=text, ts=1_790_000_000.5)


def test_the_bar_tells_its_value(live: Stack, member: Page, running_task: MakeTask) -> None:
    task = running_task()
    _open(live, member, task)
    bar = member.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuemin", "0")
    expect(bar).to_have_attribute("aria-valuemax", "100")
    stages = tuple(StageProgress(name=name) for name in ("Read", "Check"))
    load = StageProgress(name="Load", state=StageState.RUNNING, percent=12.5)
    _publish(
        task, percent=42.9, current=429, total=1000, unit="rows", message="Loading rows", rate=81.4,
        eta=Eta(low=6.1, high=8.4), stage=StageRef(index=2, name="Load"), stages=(*stages, load),
    )  # fmt: skip
    expect(bar).to_have_attribute("aria-valuenow", "42")
    expect(bar).to_have_attribute("aria-valuetext", "42%, Load, 3 of 3, Loading rows")
    facts = member.locator(".hp-facts")
    for text in ("Load, 3 of 3", "429 of 1,000 rows", "81 rows/s", "7–9 s left"):
        expect(facts).to_contain_text(text)
    expect(member.locator(".hp-stage[aria-current=step]")).to_contain_text("Load")
    expect(member.locator("[data-part=fill]")).to_have_attribute("width", "42.90%")


def test_without_a_total_there_is_no_value(live: Stack, member: Page, running_task: MakeTask) -> None:
    task = running_task()
    _open(live, member, task)
    _publish(task, percent=10.0)
    bar = member.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuenow", "10")
    _publish(task, percent=None, current=1234, unit="rows")
    expect(bar).not_to_have_attribute("aria-valuenow", "10")
    assert bar.get_attribute("aria-valuenow") is None
    expect(member.locator("progress-bar")).to_have_attribute("data-indeterminate", "")
    expect(member.locator("[data-part=percent]")).to_have_text("1,234 rows")


def test_only_stages_quarters_and_the_end_are_said_aloud(live: Stack, member: Page, running_task: MakeTask) -> None:
    task = running_task()
    _open(live, member, task)
    said = member.locator("[data-part=announcement]")
    stages = (StageProgress(name="Read"), StageProgress(name="Load"))
    heard = ((10, 0, "Read, 1 of 2"), (20, 0, "Read, 1 of 2"), (26, 0, "25%"), (49, 0, "25%"), (60, 1, "Load, 2 of 2"))
    for percent, index, expected in heard:
        _publish(task, percent=float(percent), stages=stages, stage=StageRef(index=index, name=stages[index].name))
        expect(member.get_by_role("progressbar")).to_have_attribute("aria-valuenow", str(percent))
        expect(said).to_have_text(expected)
    _publish(task, percent=100.0, state=State.SUCCEEDED)
    expect(said).to_have_text("Succeeded")


def test_the_page_hears_of_progress_and_log(live: Stack, member: Page, running_task: MakeTask) -> None:
    member.add_init_script("""
        window.heard = [];
        document.addEventListener("task-progress", ({ detail }) => window.heard.push(detail.percent));
        document.addEventListener("task-log", ({ detail }) => window.heard.push(detail.text));
    """)
    task = running_task()
    _open(live, member, task)
    _publish(task, percent=12.5, log=(_say(task, "begun"),))
    heard = "window.heard.includes(12.5) && window.heard.includes('begun')"
    steps.wait_for(member, lambda: member.evaluate(heard), "both events")  # wait_for_function needs eval


def test_what_a_job_says_is_text(live: Stack, member: Page, running_task: MakeTask) -> None:
    task = running_task()
    _open(live, member, task)
    stages = (StageProgress(name=SCRIPT, state=StageState.RUNNING),)
    stage = StageRef(index=0, name=SCRIPT)
    _publish(task, message=SCRIPT, unit=SCRIPT, stages=stages, stage=stage, log=(_say(task, SCRIPT),), current=1)
    expect(member.locator("[data-part=message]")).to_have_text(SCRIPT)
    expect(member.locator(".log-text")).to_have_text(SCRIPT)
    for _ in range(2):  # as it came over the stream, and as the server draws it
        assert member.locator("main img, main script:not([src])").count() == 0
        assert member.evaluate("window.dialogs") == 0
        member.reload()
        expect(member.locator("[data-part=message]")).to_have_text(SCRIPT)


def test_names_of_files_are_text(live: Stack, member: Page, running_task: MakeTask) -> None:
    task = running_task(state=State.SUCCEEDED, result={SCRIPT: [SCRIPT]})
    name = SCRIPT.replace("/", "")  # Django itself takes the last part of a name as the name
    task.attachments.create(name=name, file="nowhere", size=1, content_type="text/plain")
    member.goto(f"{live.url}/tasks/{task.pk}/")
    expect(member.locator(".file-name")).to_have_text(name)
    expect(member.locator("#outcome .pairs")).to_contain_text(SCRIPT)
    assert member.locator("main img, main script:not([src])").count() == 0
    assert member.evaluate("window.dialogs") == 0


def test_the_log_follows_unless_the_reader_scrolled_up(live: Stack, member: Page, running_task: MakeTask) -> None:
    task = running_task()
    member.set_viewport_size({"width": 1200, "height": 1400})  # the whole log is within the window
    _open(live, member, task)
    log, button = member.locator("#log"), member.get_by_role("button", name="New lines")
    _publish(task, log=tuple(_say(task, f"line {number}") for number in range(60)))
    expect(member.get_by_text("line 59", exact=True)).to_be_in_viewport()
    expect(button).to_be_hidden()
    log.evaluate("(list) => { list.scrollTop = 0; }")
    _publish(task, log=(_say(task, "the newest"),))
    expect(button).to_be_visible()
    expect(member.get_by_text("line 0", exact=True)).to_be_in_viewport()
    button.click()
    expect(member.get_by_text("the newest")).to_be_in_viewport()
    expect(button).to_be_hidden()


def test_a_reload_shows_no_line_twice(live: Stack, member: Page, running_task: MakeTask) -> None:
    task = running_task()
    _publish(task, log=tuple(_say(task, f"line {number}") for number in range(5)))
    _open(live, member, task)
    _publish(task, log=(_say(task, "the newest"),))
    expect(member.get_by_text("the newest")).to_be_visible()
    expect(member.locator(".log-line")).to_have_count(6)


def test_where_nothing_was_counted_the_end_stands_in_the_number_s_place(
    live: Stack, member: Page, running_task: Callable[..., Task]
) -> None:
    task = running_task(state=State.FAILED, error_code="not_a_zip", error_text="The file is no ZIP archive.")
    member.goto(live.url + task.get_absolute_url())
    state, bar = member.locator("[data-part=state]").bounding_box(), member.locator("[data-part=bar]").bounding_box()
    assert state is not None
    assert bar is not None
    assert state["x"] == bar["x"]
    assert bar["y"] - state["y"] - state["height"] < 30, "no hole between the word and the bar"
