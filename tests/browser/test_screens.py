"""Every page at three widths in two themes, for eyes and for screen readers; and without JavaScript."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.template import engines
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from progress_app import connections
from progress_app.events import Eta, Level, LogEntry, Snapshot, StageProgress, StageRef, StageState, State
from tasks_app.models import Task
from tasks_app.sharing import Scope, link_token
from tests.browser import steps
from tests.browser.axe import faults
from tests.browser.steps import Theme
from tests.factories import QUICK
from tests.stack import Stack

pytestmark = pytest.mark.long

MakeTask = Callable[..., Task]
WIDTHS_PX = (320, 768, 1280)
SCRIPT = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'"


@pytest.fixture
def pages(staff: User, running_task: MakeTask) -> dict[str, str]:
    """Every page of the product by its name, with something on it."""
    running, done = live_task(running_task()), running_task(state=State.SUCCEEDED, percent=100, result={"rows": 60_000})
    failed = running_task(
        state=State.FAILED, percent=62, error_code="x", error_text="Row 7 is torn.", traceback="seven"
    )
    waiting = running_task(state=State.QUEUED, attempt=0)
    token = link_token(running, scope=Scope.PAGE, days=7)
    return {
        "jobs": "/",
        "form": "/jobs/profile_csv/",
        "tasks": "/tasks/?scope=all",
        "nothing": "/tasks/?q=state:lost",
        "mistyped": "/tasks/?q=state:fialed",
        "operations": "/ops/",
        "running": f"/tasks/{running.pk}/",
        "waiting": f"/tasks/{waiting.pk}/",
        "failed": f"/tasks/{failed.pk}/",
        "done": f"/tasks/{done.pk}/",
        "linked": f"/shared/{token}/",
        "doctor": "/doctor/",
        "absent": "/nowhere/",
    }


def live_task(task: Task) -> Task:
    stages = (
        StageProgress(name="Read", state=StageState.DONE, percent=100, seconds=1.2),
        StageProgress(name="Load", state=StageState.RUNNING, percent=12.5, seconds=9),
        StageProgress(name="Tidy up"),
    )
    levels = tuple(Level)
    log = tuple(LogEntry(task=str(task.pk), level=level, text=f"a {level}", ts=1.79e9) for level in levels)
    connections.backend().publish(
        Snapshot(
            task=str(task.pk), state=State.RUNNING, attempt=1, current=421, total=1_000, percent=42.1, unit="rows",
            message="Loading rows", stages=stages, stage=StageRef(index=1, name="Load"), elapsed=75.0, rate=81.4,
            eta=Eta(low=6.1, high=8.4),
        ),
        log=log,
    )  # fmt: skip
    return task


def test_every_page_fits_and_has_no_fault_for_a_screen_reader(
    live: Stack, themed: BrowserContext, pages: dict[str, str], theme: Theme
) -> None:
    page, found = themed.new_page(), {}
    for name, path in pages.items():
        page.goto(live.url + path)
        for width_px in WIDTHS_PX:
            page.set_viewport_size({"width": width_px, "height": 900})
            steps.keep_picture(page, f"screen-{name}-{width_px}-{theme}")
            room = page.evaluate("document.documentElement.clientWidth")
            assert page.evaluate("document.documentElement.scrollWidth") <= room, (name, width_px)
        found[name] = faults(page)
    assert {name: told for name, told in found.items() if told} == {}


def test_the_page_of_a_link_just_made_has_no_fault_for_a_screen_reader(
    live: Stack, themed: BrowserContext, running_task: MakeTask, theme: Theme
) -> None:
    page = themed.new_page()
    page.goto(f"{live.url}/tasks/{running_task().pk}/")
    page.get_by_role("button", name="Make a link").click()
    expect(page.get_by_role("heading", name="In a page of your own")).to_be_visible()
    assert faults(page) == []
    steps.keep_picture(page, f"screen-share-{theme}")


def test_the_question_before_a_change_of_all_that_match_has_no_fault_for_a_screen_reader(
    live: Stack, themed: BrowserContext, running_task: MakeTask, theme: Theme
) -> None:
    for _ in range(26):
        running_task()
    page = themed.new_page()
    page.set_viewport_size({"width": 320, "height": 900})
    page.goto(f"{live.url}/tasks/?q=state:running")
    page.locator("#pick-page").check()
    page.locator("#pick-every").check()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Cancel 26 tasks?")
    assert faults(page) == []
    steps.keep_picture(page, f"screen-confirm-{theme}")


def test_the_login_has_no_fault_for_a_screen_reader(live: Stack, page: Page) -> None:
    page.goto(f"{live.url}/login/")
    page.get_by_label("Username").fill("nobody")
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    assert faults(page) == []


def test_without_javascript_one_starts_watches_and_cancels(
    live: Stack, chromium: Browser, session: dict[str, str]
) -> None:
    context = chromium.new_context(java_script_enabled=False)
    steps.lend_session(context, live.url, session)
    page = context.new_page()
    page.goto(f"{live.url}/jobs/rehearsal/")
    page.get_by_label("Duration in seconds").fill("60")
    page.get_by_role("button", name="Start").click()
    bar = page.frame_locator("iframe")
    expect(bar.locator(".headway-progress[data-state=running]")).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="Cancel").click()
    again = page.get_by_role("button", name="Run again")
    steps.wait_for(page, lambda: page.reload() and again.is_visible(), "the cancelled task")
    context.close()


def test_fifty_bars_on_one_page_share_one_connection(live: Stack, member: Page, running_task: MakeTask) -> None:
    tasks = [running_task() for _ in range(25)]
    streams: list[str] = []
    member.on("request", lambda request: streams.append(request.url) if "/events/" in request.url else None)
    bars = "{% progress_widget task size='ring' %}{% progress_widget task size='badge' %}"
    template = "{% load progress %}{% for task in tasks %}" + bars + "{% endfor %}"
    body = engines["django"].from_string(template).render({"tasks": tasks})
    member.route(f"{live.url}/many/", partial(_give, body=body))
    member.set_viewport_size({"width": 400, "height": 300})  # most are out of sight, and are to be told all the same
    member.goto(f"{live.url}/many/")
    expect(member.locator("progress-bar")).to_have_count(50)
    steps.expect_connection(member, "live")
    for number, task in enumerate(tasks):
        connections.backend().publish(Snapshot(task=str(task.pk), state=State.RUNNING, attempt=1, percent=number + 1.0))
    for number in (0, 24):
        rings = member.locator("progress-bar[data-size=ring]").nth(number)
        expect(rings.locator("[data-part=ring]")).to_have_attribute("stroke-dasharray", f"{number + 1}.00 100")
        pill = member.locator("progress-bar[data-size=badge]").nth(number)
        expect(pill.locator("[data-part=percent]")).to_have_text(f"{number + 1}%")
    assert len(streams) <= 2, streams


def _give(route: Route, *, body: str) -> None:
    route.fulfill(body=body, content_type="text/html")


HOSTILE = """
  * { box-sizing: content-box; }
  div, p, span, ol, li, svg { margin: 20px; padding: 15px; border: 5px solid red; font: italic 40px serif; float: right;
    text-transform: uppercase; color: hotpink; background: yellow; letter-spacing: 1em; text-align: right; }
  ol { list-style: square; } svg { width: 400px; height: 300px; } rect { stroke: red; }
"""


def test_a_host_s_styles_do_not_reach_in_and_ours_do_not_reach_out(
    live: Stack, member: Page, running_task: MakeTask
) -> None:
    task = live_task(running_task())
    template = "{% load progress %}<section>{% progress_widget task %}</section><p id=own>own</p>"
    widget = engines["django"].from_string(template).render({"task": task})
    measured = []
    for style in ("", HOSTILE):
        page = f"<!doctype html><style>body {{ width: 700px; font: 16px sans-serif }} {style}</style>{widget}"
        member.route(f"{live.url}/host/", partial(_give, body=page))
        member.goto(f"{live.url}/host/")
        steps.expect_connection(member, "live")
        steps.keep_picture(member, f"host-{'hostile' if style else 'plain'}")
        measured.append(member.evaluate(LOOK))
    assert measured[0] == measured[1]
    assert member.locator("#own").evaluate("(own) => getComputedStyle(own).color") == "rgb(255, 105, 180)"


LOOK = """() => [...document.querySelectorAll("progress-bar [class^=hp-]:not([hidden])")]
  .filter((part) => part.getClientRects().length && !part.matches(".hp-hidden, .hp-fill, .hp-ghost, .hp-connection"))
  .map((part) => {
    const { width, height } = part.getBoundingClientRect();
    const { color, fontSize, fontStyle, textTransform, borderTopWidth } = getComputedStyle(part);
    return [part.className.baseVal ?? part.className, Math.round(width), Math.round(height), color, fontSize, fontStyle,
      textTransform, borderTopWidth];
  })"""


def test_text_of_users_and_jobs_is_text_on_every_page(live: Stack, member: Page, running_task: MakeTask) -> None:
    own = {"message": SCRIPT, "params": QUICK | {"steps": SCRIPT}, "worker": SCRIPT}
    tasks = [
        running_task(**own),
        running_task(**own, state=State.FAILED, error_code="x", error_text=SCRIPT, traceback=SCRIPT),
        running_task(**own, state=State.SUCCEEDED, result={SCRIPT: SCRIPT}, job=SCRIPT[:64]),
    ]
    shared = link_token(tasks[0], scope=Scope.PAGE, days=7)
    lists = ["/", "/jobs/rehearsal/", "/tasks/", f"/tasks/?q={SCRIPT}", f"/shared/{shared}/"]
    for path in [*lists, *(f"/tasks/{task.pk}/" for task in tasks)]:
        member.goto(live.url + path)
        assert member.locator("main img, main script:not([src])").count() == 0, path
        assert member.evaluate("window.dialogs") == 0, path


def test_nothing_moves_when_events_come(live: Stack, member: Page, running_task: MakeTask) -> None:
    member.add_init_script("""
        window.shift = 0;
        new PerformanceObserver((list) => { for (const e of list.getEntries()) window.shift += e.value; })
            .observe({ type: "layout-shift", buffered: true });
    """)
    task = live_task(running_task())
    member.goto(f"{live.url}/tasks/{task.pk}/")
    steps.expect_connection(member, "live")
    for percent in (50.0, 75.0):
        connections.backend().publish(
            Snapshot(task=str(task.pk), state=State.RUNNING, attempt=1, percent=percent, message="Loading rows"),
            log=(LogEntry(task=str(task.pk), text="one more", ts=1.79e9 + percent),),
        )
        expect(member.get_by_role("progressbar")).to_have_attribute("aria-valuenow", str(int(percent)))
    assert member.evaluate("window.shift") < 0.1


def test_the_title_and_the_tab_show_the_percentage_and_a_toast_the_end(
    live: Stack, member: Page, running_task: MakeTask
) -> None:
    task = live_task(running_task())
    member.goto(f"{live.url}/tasks/{task.pk}/")
    steps.expect_connection(member, "live")
    expect(member).to_have_title(re.compile(r"^42% · "))
    member.set_viewport_size({"width": 800, "height": 300})
    member.locator("footer").scroll_into_view_if_needed()  # where the bar is in sight, it says it itself
    Task.objects.filter(pk=task.pk).update(state=State.SUCCEEDED)
    connections.backend().publish(Snapshot(task=str(task.pk), state=State.SUCCEEDED, attempt=1, percent=100.0))
    expect(member.locator(".toast")).to_contain_text("Succeeded")
    expect(member).to_have_title(re.compile(r"^Rehearsal"))


def test_a_link_is_watched_without_an_account(live: Stack, page: Page, running_task: MakeTask) -> None:
    task = live_task(running_task())
    page.goto(f"{live.url}/shared/{link_token(task, scope=Scope.PAGE, days=1)}/")
    steps.expect_connection(page, "polling")
    connections.backend().publish(Snapshot(task=str(task.pk), state=State.SUCCEEDED, attempt=1, percent=100.0))
    steps.expect_state(page, "succeeded")


def test_the_log_is_searched_and_sifted(live: Stack, member: Page, running_task: MakeTask) -> None:
    task = live_task(running_task())
    member.goto(f"{live.url}/tasks/{task.pk}/")
    lines: Any = member.locator(".log-line:visible")
    expect(lines).to_have_count(4)
    member.get_by_label("Show from level").select_option("warning")
    expect(lines).to_have_count(2)
    member.get_by_label("Search the log").fill("ERROR")
    expect(lines).to_have_count(1)


@pytest.mark.parametrize("path", ["/", "/tasks/?scope=all"])
def test_a_page_of_many_bars_says_how_it_is_connected_and_since_when_it_is_not(
    live: Stack, member: Page, running_task: MakeTask, path: str
) -> None:
    task = running_task()
    member.goto(live.url + path)
    sign = member.locator("#line-sign")
    expect(sign).to_have_text("live")
    member.context.set_offline(True)
    expect(sign).to_have_text(re.compile(r"^offline, as of \d\d:\d\d$"))
    member.context.set_offline(False)
    expect(sign).to_have_text("live", timeout=30_000)
    Task.objects.filter(pk=task.pk).update(state=State.SUCCEEDED, finished_at=timezone.now())
    connections.backend().publish(Snapshot(task=str(task.pk), state=State.SUCCEEDED, attempt=1, percent=100.0))
    expect(sign).to_be_empty()
