"""Every page on a phone and on a desk, in light and in dark: nothing sticks out, nothing breaks the policy."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect

from progress_app import connections
from progress_app.events import Snapshot, StageProgress, StageRef, StageState, State
from tasks_app.models import Task
from tests.browser import steps
from tests.browser.steps import Theme
from tests.stack import Stack

MakeTask = Callable[..., Task]
WIDTHS_PX = (320, 768, 1440)
LONG_WORD = "unbreakable" * 12


@pytest.fixture(params=WIDTHS_PX)
def width_px(request: pytest.FixtureRequest) -> int:
    """Return the width of the window."""
    return int(request.param)


@pytest.fixture
def themed(live: Stack, chromium: Browser, session: dict[str, str], width_px: int, theme: Theme) -> Iterator[Page]:
    """Open a page of that width and theme; what the console complains about fails the test."""
    context = chromium.new_context(viewport={"width": width_px, "height": 900}, color_scheme=theme)
    steps.lend_session(context, live.url, session)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert [text for text in complaints if "status of 40" not in text] == []


def test_nothing_sticks_out(live: Stack, themed: Page, running_task: MakeTask, width_px: int, theme: Theme) -> None:
    running = _running(running_task())
    failed = running_task(
        state=State.FAILED, percent=62, error_code="x", error_text=f"Row 7: {LONG_WORD}", traceback=LONG_WORD
    )
    done = running_task(state=State.SUCCEEDED, percent=100, result={"rows": 60000, LONG_WORD: LONG_WORD})
    pages = {
        "jobs": "/",
        "form": "/jobs/profile_csv/",
        "tasks": "/tasks/?scope=all",
        "doctor": "/doctor/",
        "no-tasks": "/tasks/?scope=mine&page=99",
        "running": f"/tasks/{running.pk}/",
        "failed": f"/tasks/{failed.pk}/",
        "done": f"/tasks/{done.pk}/",
        "admin-list": "/admin/tasks_app/task/",
        "admin-record": f"/admin/tasks_app/task/{running.pk}/change/",
        "not-found": "/nowhere/",
    }
    for name, path in pages.items():
        themed.goto(live.url + path)
        _fits(themed, f"{name}-{width_px}-{theme}")
    _log_in_wrongly(themed, live.url)
    _fits(themed, f"login-{width_px}-{theme}")


def _fits(page: Page, name: str) -> None:
    """Keep a picture, and make sure that nothing is wider than the window."""
    steps.keep_picture(page, f"page-{name}")
    room = page.evaluate("document.documentElement.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= room, name


def _running(task: Task) -> Task:
    stages = (
        StageProgress(name="Read", state=StageState.DONE, percent=100, seconds=1.2),
        StageProgress(name="Load", state=StageState.RUNNING, percent=12.5),
        StageProgress(name=LONG_WORD),
    )
    connections.backend().publish(
        Snapshot(
            task=str(task.pk), state=State.RUNNING, attempt=1, current=421_000, total=1_000_000, percent=42.1,
            unit="rows", message=LONG_WORD, stages=stages, stage=StageRef(index=1, name="Load"), elapsed=75.0,
        ),
    )  # fmt: skip
    return task


def _log_in_wrongly(page: Page, url: str) -> None:
    page.context.clear_cookies()
    page.goto(f"{url}/tasks/")
    page.get_by_label("Username").fill("nobody")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("correct")


def test_the_keyboard_reaches_everything(live: Stack, member: Page) -> None:
    member.goto(f"{live.url}/")
    member.keyboard.press("Tab")
    expect(member.get_by_role("link", name="Skip to the content")).to_be_focused()
    member.keyboard.press("Enter")
    expect(member.locator("#main")).to_be_focused()
    member.keyboard.press("Tab")
    expect(member.locator(".card a").first).to_be_focused()
    member.keyboard.press("Enter")
    member.wait_for_url("**/jobs/*/")


def test_a_file_may_be_dropped(live: Stack, member: Page, tmp_path: Path) -> None:
    member.goto(f"{live.url}/jobs/profile_csv/")
    dropped = member.evaluate_handle("""() => {
        const data = new DataTransfer();
        data.items.add(new File(["a,b\\n1,2\\n"], "dropped.csv", { type: "text/csv" }));
        return data;
    }""")
    area = member.locator("[data-drop]")
    area.dispatch_event("dragover", {"dataTransfer": dropped})
    expect(area).to_have_attribute("data-over", "")
    area.dispatch_event("drop", {"dataTransfer": dropped})
    assert area.locator("input").evaluate("(input) => input.files[0].name") == "dropped.csv"


def test_logging_out_is_a_post(live: Stack, member: Page, staff: User) -> None:
    member.goto(f"{live.url}/")
    member.get_by_role("button", name="Log out").click()
    member.wait_for_url("**/login/**")
    assert member.request.get(f"{live.url}/tasks/", max_redirects=0).status == 302
    assert member.request.get(f"{live.url}/logout/").status == 405


def test_what_may_not_be_copied_is_marked_for_two_keys(live: Stack, member: Page) -> None:
    member.add_init_script(
        "navigator.clipboard.writeText = () => Promise.reject(new DOMException('', 'NotAllowedError'))"
    )
    member.goto(live.url + "/jobs/rehearsal/")
    member.get_by_text("Copy", exact=True).click()
    expect(member.get_by_text("Marked: press Ctrl+C")).to_be_visible()
    assert "rehearsal" in member.evaluate("getSelection().toString()")
