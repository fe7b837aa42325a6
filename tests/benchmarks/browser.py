"""What live bars cost a browser, and how soon a report is seen; in a real Chromium, on a page of the project.

    .venv/bin/python -m tests.benchmarks.browser             # 200 bars by rows, 48 by snapshots, 1 and 10 in two tabs

The load is the share of one core that Chromium's processes used; an idle page of the same kind stands beside it. A
delay runs from the reporter's clock to the frame after the one in which the bar was painted, on the same machine.
"""

import argparse
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import django

import tests.environment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's loop runs in this thread
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright  # noqa: E402

from config import assets, browser, places  # noqa: E402
from progress_app import connections  # noqa: E402
from progress_app.events import Snapshot, StageRef, State  # noqa: E402
from tasks_app.models import Task  # noqa: E402
from tests.benchmarks.servers import Ours, logged_in  # noqa: E402
from tests.stack import Valkey  # noqa: E402

REPORTS_PER_S = 5.0  # of each task
ADD_BARS = """
([tasks, rowsChannel]) => {
  const model = document.querySelector("progress-bar");
  model.closest("ol").remove();
  for (const task of tasks) {
    const bar = model.cloneNode(true);
    Object.assign(bar.dataset, { state: "running", channel: `task-${task}`, snapshotUrl: `/tasks/${task}/snapshot/` });
    if (rowsChannel) bar.dataset.rowsChannel = rowsChannel;
    else delete bar.dataset.rowsChannel;
    document.querySelector("main").append(bar);
  }
}
"""
NOTE_DELAYS = """
window.delays = [];
document.addEventListener("task-progress", ({ detail }) => {
  if (!detail.ts) return; // of a row, which carries no time
  requestAnimationFrame(() => requestAnimationFrame(() => window.delays.push(Date.now() - detail.ts * 1000)));
});
"""


@dataclass(frozen=True)
class Case:
    """So many bars in so many tabs; `rows` is their common channel, empty for one channel each."""

    bars: int
    tabs: int = 1
    rows: str = ""

    def __str__(self) -> str:
        return f"{self.bars} bars by {'rows' if self.rows else 'snapshots'} in {self.tabs} tab{'s'[: self.tabs - 1]}"


CASES = (Case(200, rows="tasks"), Case(48), Case(10), Case(1), Case(10, tabs=2))


class Reports(threading.Thread):
    """Reports each task's progress at an even pace until it is stopped."""

    def __init__(self, tasks: list[Task], per_s: float) -> None:
        super().__init__(daemon=True)
        self._tasks, self._per_s = tasks, per_s
        self._stopped = threading.Event()

    def run(self) -> None:
        backend, began, number = connections.backend(), time.monotonic(), 0
        while not self._stopped.wait(max(0.0, began + number / self._per_s - time.monotonic())):
            turn, index = divmod(number, len(self._tasks))
            backend.publish(snapshot(self._tasks[index], turn))
            number += 1

    def stop(self) -> None:
        """End it."""
        self._stopped.set()
        self.join()


def snapshot(task: Task, turn: int) -> Snapshot:
    """A running task's, which has moved a little since the last turn."""
    return Snapshot(
        task=str(task.pk), job=task.job, attempt=1, state=State.RUNNING, current=turn, total=1_000, unit="rows",
        percent=turn % 1_000 / 10, message=f"Loading row {turn}", stage=StageRef(index=0, name="Load"), rate=5.0,
        elapsed=turn / REPORTS_PER_S, ts=time.time(),
    )  # fmt: skip


def measured(chromium: Browser, url: str, cookie: str, case: Case, seconds: float) -> dict[str, float]:
    """The load with reports and without them, in percent of a core, and the delays, in milliseconds."""
    owner = User.objects.get(username="benchmark")
    made = {"job": "rehearsal", "owner": owner, "state": State.RUNNING, "attempt": 1}
    tasks = Task.objects.bulk_create([Task(**made) for _ in range(case.bars)])
    for task in tasks:
        connections.backend().publish(snapshot(task, 0))
    with tabs(chromium, url, cookie, case, tasks) as pages:
        idle = load(chromium, pages[0], seconds)
        reports = Reports(tasks, REPORTS_PER_S * case.bars)
        reports.start()
        pages[0].wait_for_timeout(1_000)
        for page in pages:
            page.evaluate("window.delays.length = 0")
        busy = load(chromium, pages[0], seconds)
        reports.stop()
        delays = sorted(delay for page in pages for delay in page.evaluate("window.delays"))
    Task.objects.all().delete()
    told = {f"{key} %": value for key, value in busy.items()} | {"idle %": sum(idle.values())}
    if not delays:
        return told
    return told | {"p50 ms": delays[len(delays) // 2], "p99 ms": delays[len(delays) * 99 // 100], "seen": len(delays)}


@contextmanager
def tabs(chromium: Browser, url: str, cookie: str, case: Case, tasks: list[Task]) -> Iterator[list[Page]]:
    """The pages of one person, each with all bars, live."""
    context = chromium.new_context(viewport={"width": 1200, "height": 900})
    name, _, value = cookie.removeprefix("Cookie: ").partition("=")
    context.add_cookies([{"name": name, "value": value, "url": url}])
    context.add_init_script(NOTE_DELAYS)
    yield [_tab(context, url, case, tasks) for _ in range(case.tabs)]
    context.close()


def _tab(context: BrowserContext, url: str, case: Case, tasks: list[Task]) -> Page:
    page = context.new_page()
    page.goto(f"{url}/tasks/?scope=all")
    page.evaluate(ADD_BARS, [[str(task.pk) for task in tasks], case.rows])
    page.wait_for_function(
        "(bars) => document.querySelectorAll('main > progress-bar[data-connection=live]').length === bars",
        arg=case.bars, timeout=60_000,
    )  # fmt: skip
    return page


def load(chromium: Browser, page: Page, seconds: float) -> dict[str, float]:
    """The share of a core that the pages' processes, and the browser's others, use in this time, in percent."""
    before, began = _cpu_s(chromium), time.monotonic()
    page.wait_for_timeout(seconds * 1_000)
    after, took_s = _cpu_s(chromium), time.monotonic() - began
    return {kind: (after[kind] - before.get(kind, 0.0)) / took_s * 100 for kind in after}


def _cpu_s(chromium: Browser) -> dict[str, float]:
    session = chromium.new_browser_cdp_session()
    used = {"pages": 0.0, "others": 0.0}
    for process in session.send("SystemInfo.getProcessInfo")["processInfo"]:
        used["pages" if process["type"] == "renderer" else "others"] += process["cpuTime"]
    session.detach()
    return used


@contextmanager
def in_chromium() -> Iterator[tuple[Browser, Ours]]:
    """A browser and the server that it looks at, with its Valkey and a database; all ended after the block."""
    valkey = Valkey(urlsplit(places.redis_url()).port or 0, tests.environment.RUN / "redis")
    valkey.start()
    call_command("migrate", verbosity=0)
    assets.collect_if_changed()
    server = Ours(valkey)
    server.start()
    try:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=browser.find())
            yield chromium, server
            chromium.close()
    finally:
        server.stop()
        valkey.stop()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--bars", type=int, help="only the cases of so many bars")
    chosen = parser.parse_args()
    with in_chromium() as (chromium, server):
        for case in (case for case in CASES if chosen.bars in (None, case.bars)):
            server.valkey.empty()
            figures = measured(chromium, f"http://127.0.0.1:{server.port}", logged_in(), case, chosen.seconds)
            print(case, {key: round(value, 1) for key, value in figures.items()}, flush=True)


if __name__ == "__main__":
    main()
