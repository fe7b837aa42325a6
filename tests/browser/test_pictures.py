"""The pictures of the README: the main screens with a day's work on them. `make pictures` takes them anew."""

import random
from datetime import timedelta
from typing import Final

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.utils import timezone
from playwright.sync_api import Browser, ViewportSize, expect

from progress_app import connections
from progress_app.events import Eta, Level, LogEntry, Snapshot, StageProgress, StageRef, StageState, State
from tasks_app.models import Attachment, Task
from tests.browser import steps
from tests.factories import TaskFactory
from tests.pictures import NAMES
from tests.stack import Stack

pytestmark = pytest.mark.long

WINDOW: Final[ViewportSize] = {"width": 1200, "height": 860}
STAGES = (
    ("Prepare", 100, 3.1),
    ("Load", 100, 21.4),
    ("Check", 41, 6.2),
    ("Write", None, None),
    ("Tidy up", None, None),
)
LOG = (
    ("Prepare: 400 of 2,000 steps done", Level.INFO),
    ("Load: 800 of 2,000 steps done", Level.INFO),
    ("3 steps took longer than usual", Level.WARNING),
)


FILES = {"profile_csv": ["orders.csv", "customers.csv", "stock.csv"], "make_thumbnails": ["shop.zip", "holidays.zip"]}


def give(task: Task, name: str) -> None:
    """Have the task be given a file of that name, if it has one."""
    if name:
        Attachment.objects.create(task=task, name=name, size=1_234_567, file="x", field="upload")


def report(task: Task, percent: float, message: str, *, with_log: bool = False) -> Task:
    """Have the task report as a running one does."""
    stages = tuple(
        StageProgress(
            name=name, percent=done, seconds=seconds,
            state=StageState.PENDING if done is None else StageState.DONE if done == 100 else StageState.RUNNING,
        )
        for name, done, seconds in STAGES
    )  # fmt: skip
    now = timezone.now().timestamp()
    log = [
        LogEntry(task=str(task.pk), level=level, text=text, ts=now - 27 + 3 * number)
        for number, (text, level) in enumerate(LOG * 3)
    ]
    connections.backend().publish(
        Snapshot(
            task=str(task.pk), job=task.job, state=State.RUNNING, attempt=1, current=percent * 20, total=2_000,
            percent=percent, unit="steps", message=message, stages=stages, stage=StageRef(index=2, name="Check"),
            elapsed=30.7, rate=41.2, eta=Eta(low=17.0, high=24.0), ts=now,
        ),
        log=log if with_log else [],
    )  # fmt: skip
    return task


@pytest.fixture
def day(staff: User) -> Task:
    """Fill a day with tasks; returns one that runs."""
    dice, now = random.Random(7), timezone.now()  # noqa: S311  (a picture)
    User.objects.filter(pk=staff.pk).update(username="alex")
    for number in range(160):
        job = ("profile_csv", "make_thumbnails", "rehearsal", "export_tasks")[number % 4]
        end = now - timedelta(minutes=8 * number + 3)
        took_s = dice.uniform(50, 70) if job == "rehearsal" else dice.uniform(8, 14) * (1 + number % 4)
        bad = number % 13 == 5
        ended = TaskFactory.create(
            job=job, owner=staff, state=State.FAILED if bad else State.SUCCEEDED, attempt=1, percent=61 if bad else 100,
            error_code=("no_header", "not_a_zip")[number % 2] if bad else "", worker="worker@web-1",
            error_text="The first row is empty; add the names of the columns." if bad else "",
            started_at=end - timedelta(seconds=took_s), finished_at=end,
            result={"steps": 2_000, "stages": 5, "seconds": round(took_s, 1)} if job == "rehearsal" else None,
        )  # fmt: skip
        give(ended, dice.choice(FILES.get(job, [""])))
    for name in FILES["profile_csv"]:
        give(TaskFactory.create(job="profile_csv", owner=staff), name)
    others = [
        TaskFactory.create(job=job, owner=staff, running=True, worker="worker@web-2", percent=percent)
        for job, percent in (("make_thumbnails", 84.0), ("profile_csv", 23.0))
    ]
    give(report(others[0], 84.0, "Scaling batch 34 of 40"), "holidays.zip")
    give(report(others[1], 23.0, "240,192 rows read"), "prices-2026.csv")
    task = TaskFactory.create(
        job="rehearsal",
        owner=staff,
        running=True,
        worker="worker@web-1",
        percent=48.0,
        started_at=now - timedelta(seconds=31),
    )
    Task.objects.filter(started_at__isnull=False).update(created_at=F("started_at") - timedelta(seconds=3))
    return report(task, 48.2, "Checking what was loaded", with_log=True)


def test_the_main_screens_with_a_day_s_work(live: Stack, chromium: Browser, session: dict[str, str], day: Task) -> None:
    paths = {"catalogue": "/", "task": f"/tasks/{day.pk}/", "tasks": "/tasks/?scope=all", "operations": "/ops/"}
    for name, theme in NAMES.values():
        context = chromium.new_context(viewport=WINDOW, color_scheme=theme, reduced_motion="reduce")
        steps.lend_session(context, live.url, session)
        page = context.new_page()
        page.goto(live.url + paths[name])
        page.wait_for_load_state()
        if name != "operations":
            steps.expect_connection(page, "live")
        else:
            page.wait_for_selector("#ops[data-connection=live]")
            expect(page.locator("#processes [data-state=failed]")).to_have_count(0)
        steps.keep_picture(page, f"picture-{name}-{theme}", full_page=False)
        context.close()
