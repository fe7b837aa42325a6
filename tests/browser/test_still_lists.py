"""Lists and shared pages stand still from the first paint to the end of a task, on a phone and on a desk."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from progress_app.events import Eta, State
from tasks_app.models import Task
from tasks_app.sharing import Scope, link_token
from tests.browser import steps
from tests.browser.test_stillness import LONG, NOTE_SHIFTS, end, report
from tests.factories import TaskFactory
from tests.stack import Stack

ROWS: dict[str, Any] = {"total": 100, "unit": "rows"}
RUN: tuple[tuple[str, dict[str, Any]], ...] = (
    ("1%", {"percent": 1.0, "current": 1, "elapsed": 0.2, **ROWS}),
    ("9%", {"percent": 9.0, "current": 9, "elapsed": 9.0, "message": "9", "eta": Eta(low=6, high=8), **ROWS}),
    ("10%", {"percent": 10.5, "elapsed": 59.0, "rate": 1_234.0, "message": LONG, "eta": Eta(low=60, high=180), **ROWS}),
    (
        "98%",
        {"percent": 98.0, "current": 98, "elapsed": 3_790.0, "stalled_s": 90.0, "eta": Eta(low=5, high=80), **ROWS},
    ),
    ("99%", {"percent": 99.0, "current": 99, "elapsed": 3_800.0, "message": "Nearly", **ROWS}),
)
SIZES = [(390, 844), (1280, 900)]
phone_and_desk = pytest.mark.parametrize("size", SIZES, ids=["phone", "desk"])


def note(page: Page, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.add_init_script(NOTE_SHIFTS)


def run(page: Page, task: Task) -> None:
    """Let the task begin, go on and end while its bar is watched."""
    Task.objects.filter(pk=task.pk).update(state=State.RUNNING, attempt=1, started_at=timezone.now(), worker="w@one")
    bar = bar_of(page, task)
    for shown, told in RUN:
        report(task, **told)
        expect(bar.locator("[data-part=percent]")).to_have_text(shown)
    end(task, State.SUCCEEDED, finished_at=timezone.now())
    expect(bar).to_have_attribute("data-state", "succeeded")


def bar_of(page: Page, task: Task) -> Any:
    return page.locator(f"progress-bar[data-channel*='{task.pk}'], progress-bar[data-shared-url]").first


def expect_stillness(page: Page) -> None:
    page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
    moved = page.evaluate("window.moved")
    assert not moved, "\n".join(moved)


@phone_and_desk
def test_no_row_of_the_list_moves(
    live: Stack, member: Page, staff: User, running_task: Callable[..., Task], size: tuple[int, int]
) -> None:
    TaskFactory.create_batch(60, owner=staff, ended=True)  # a second page: all that match may be chosen
    failed = {"error_code": "x", "error_text": LONG, "state": State.FAILED, "finished_at": timezone.now()}
    running_task(**failed)
    task, _other = running_task(state=State.QUEUED, attempt=0), running_task(started_at=timezone.now())
    note(member, size)
    member.goto(f"{live.url}/tasks/")
    expect(member.locator("#line-sign")).to_have_text("live")
    expect(member.locator("#pick-page")).to_be_visible()
    run(member, task)
    expect_stillness(member)
    steps.keep_picture(member, f"still-list-{size[0]}")


@phone_and_desk
def test_nothing_of_the_page_of_jobs_moves(
    live: Stack, member: Page, running_task: Callable[..., Task], size: tuple[int, int]
) -> None:
    task, _other = running_task(state=State.QUEUED, attempt=0), running_task(started_at=timezone.now())
    note(member, size)
    member.goto(f"{live.url}/")
    expect(member.locator("#line-sign")).to_have_text("live")
    run(member, task)
    expect_stillness(member)
    steps.keep_picture(member, f"still-jobs-{size[0]}")


@phone_and_desk
def test_a_shared_page_stands_still_too(
    live: Stack, page: Page, running_task: Callable[..., Task], size: tuple[int, int]
) -> None:
    task = running_task()
    note(page, size)
    page.goto(f"{live.url}/shared/{link_token(task, scope=Scope.RESULT, days=1)}/")
    run(page, task)
    Task.objects.filter(pk=task.pk).update(result={"rows": 60_000})
    expect(page.locator("#shared-result")).to_have_attribute("data-state", "succeeded")
    expect_stillness(page)
    steps.keep_picture(page, f"still-shared-{size[0]}")
