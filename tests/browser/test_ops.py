"""The page of operations in a browser: what changes is seen without a reload."""

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Page, expect

from progress_app.events import State
from tasks_app.models import Task
from tests.stack import Stack


def test_a_task_that_begins_to_wait_and_one_that_runs_appear_by_themselves(
    live: Stack, member: Page, running_task: Callable[..., Task]
) -> None:
    member.goto(f"{live.url}/ops/")
    expect(member.locator("#ops")).to_have_attribute("data-connection", "live")
    expect(member.locator("#processes tr")).to_have_count(1)
    running_task(state=State.QUEUED, attempt=0, queue="<b>slow</b>", published_at=timezone.now())
    task = running_task(
        worker="worker@one", percent=42, started_at=timezone.now(), lease_until=timezone.now() + timedelta(minutes=5)
    )
    expect(member.locator("#queues tr th")).to_have_text(["<b>slow</b>"])
    busy = member.locator("#workers tr", has_text="worker@one")
    expect(busy.locator("a")).to_have_attribute("href", f"/tasks/{task.pk}/")
    expect(busy.locator("a")).to_have_text("Rehearsal")
    expect(busy).to_contain_text("42%")
    member.reload()
    expect(busy.locator("a")).to_have_text("Rehearsal")
    idle = member.locator("#workers tr", has_text=live.worker.node)
    expect(idle).to_contain_text("nothing: it waits")
    expect(idle.locator("a[href]")).to_have_count(0)
