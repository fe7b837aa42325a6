"""What the pages weigh and whether they stand still; in a real Chromium, on pages of the project.

    .venv/bin/python -m tests.benchmarks.screens

Weight: the bytes of our own stylesheets and scripts, compressed, as they come to a browser that has nothing yet; with
the headers of the answers in brackets.
Shift: Chromium's layout shifts (CLS) on a task's page while it waits, starts and runs, then at its end.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import django

import tests.environment  # noqa: F401  (before Django reads its settings)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's loop runs in this thread
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.utils import timezone  # noqa: E402
from playwright.sync_api import Browser, Page  # noqa: E402

from progress_app import connections  # noqa: E402
from progress_app.events import Eta, LogEntry, Snapshot, StageProgress, StageRef, StageState, State  # noqa: E402
from tasks_app.models import Task  # noqa: E402
from tasks_app.sharing import Scope, link_token  # noqa: E402
from tests.benchmarks.browser import in_chromium  # noqa: E402
from tests.benchmarks.servers import logged_in  # noqa: E402

WIDTHS_PX = (390, 1280)
STEPS = 20
OURS = ("/static/tasks_app/", "/static/progress_app/")
NOTE_SHIFTS = """
window.shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


def weigh(page: Page, address: str) -> tuple[int, int, int]:
    """How many of our files the page loads, their bytes as they came, and the same with the answers' headers."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    heads: dict[str, int] = {}
    whole: dict[str, int] = {}

    def note(told: dict[str, Any]) -> None:
        path = urlsplit(told["response"]["url"]).path
        if path.startswith(OURS) and path.endswith((".css", ".js")):
            heads[told["requestId"]] = int(told["response"]["encodedDataLength"])

    def count(told: dict[str, Any]) -> None:
        whole[told["requestId"]] = int(told["encodedDataLength"])

    session.on("Network.responseReceived", note)
    session.on("Network.loadingFinished", count)
    page.goto(address)
    page.wait_for_timeout(1_500)
    with_heads = sum(whole[request] for request in heads)
    return len(heads), with_heads - sum(heads.values()), with_heads


def staged(number: int) -> tuple[StageProgress, ...]:
    """Three stages, of which that many are done."""
    return tuple(
        StageProgress(
            name=name, percent=100 if place < number else 10 if place == number else None,
            state=StageState.DONE if place < number else StageState.RUNNING if place == number else StageState.PENDING,
            seconds=3.0 if place <= number else None,
        )
        for place, name in enumerate(("Read", "Profile", "Report"))
    )  # fmt: skip


def report(task: Task, percent: float) -> None:
    """Have the task be so far, in one of three stages, with a line of its log."""
    number = min(2, int(percent // 34))
    stages = staged(number)
    connections.backend().publish(
        Snapshot(
            task=str(task.pk), job=task.job, state=State.RUNNING, attempt=1, current=percent * 10, total=1_000,
            unit="rows", percent=percent, stages=stages, stage=StageRef(index=number, name=stages[number].name),
            rate=40.0, eta=Eta(low=5, high=9), elapsed=percent / 10, ts=time.time(),
        ),
        log=[LogEntry(task=str(task.pk), text=f"{percent} % of the rows", ts=time.time())],
    )  # fmt: skip


def shifts(page: Page, url: str, owner: User) -> tuple[float, float]:
    """The layout shifts of a task's page until it ends, and at the end."""
    task = Task.objects.create(job="profile_csv", owner=owner)
    page.goto(f"{url}{task.get_absolute_url()}")
    page.wait_for_selector("progress-bar[data-connection=live]")
    Task.objects.filter(pk=task.pk).update(state=State.RUNNING, attempt=1, started_at=timezone.now(), worker="w@one")
    for step in range(STEPS):
        report(task, 100 / STEPS * step)
        page.wait_for_timeout(250)
    page.wait_for_timeout(1_000)
    until_end: float = page.evaluate("window.shift")
    ended = {"state": State.SUCCEEDED, "finished_at": timezone.now(), "result": {"rows": 1_000, "columns": 4}}
    Task.objects.filter(pk=task.pk).update(**ended)
    end = Snapshot(task=str(task.pk), state=State.SUCCEEDED, attempt=1, percent=100.0, stages=staged(3), elapsed=10.0)
    connections.backend().publish(end)
    page.wait_for_selector("#outcome[data-state=succeeded]")
    page.wait_for_timeout(500)
    return until_end, page.evaluate("window.shift") - until_end


@contextmanager
def opened(chromium: Browser, url: str, cookie: str, width_px: int = 1280) -> Iterator[Page]:
    """A page of a browser that has nothing yet, logged in if there is a cookie."""
    context = chromium.new_context(viewport={"width": width_px, "height": 844})
    if cookie:
        name, _, value = cookie.removeprefix("Cookie: ").partition("=")
        context.add_cookies([{"name": name, "value": value, "url": url}])
    context.add_init_script(NOTE_SHIFTS)
    yield context.new_page()
    context.close()


def measured(chromium: Browser, url: str) -> None:
    """Print the figures."""
    cookie = logged_in()
    owner = User.objects.get(username="benchmark")
    task = Task.objects.create(
        job="profile_csv", owner=owner, state=State.RUNNING, attempt=1, started_at=timezone.now()
    )
    report(task, 40)
    token = link_token(task, scope=Scope.PAGE, days=1)
    pages = {
        "log in": "/login/", "jobs": "/", "form": "/jobs/profile_csv/", "task": task.get_absolute_url(),
        "tasks": "/tasks/?scope=all", "operations": "/ops/", "admin list": "/admin/tasks_app/task/",
        "shared": f"/shared/{token}/", "doctor": "/doctor/",
    }  # fmt: skip
    for name, path in pages.items():
        with opened(chromium, url, "" if name in ("log in", "shared") else cookie) as page:
            files, bodies, with_heads = weigh(page, url + path)
        print(f"{name:12} {bodies / 1024:5.1f} KiB ({with_heads / 1024:.1f}) in {files} files", flush=True)
    for width_px in WIDTHS_PX:
        with opened(chromium, url, cookie, width_px) as page:
            until_end, at_end = shifts(page, url, owner)
        print(f"layout shift at {width_px} px: {until_end:.4f} while it waits and runs, {at_end:.4f} at its end")


def main() -> None:
    """Start what is needed, measure, end it."""
    with in_chromium() as (chromium, server):
        measured(chromium, f"http://127.0.0.1:{server.port}")


if __name__ == "__main__":
    main()
