"""The pages of the admin that are ours, for eyes and for screen readers, in both themes."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule
from playwright.sync_api import BrowserContext, Page, expect

from progress_app.events import State
from tasks_app.models import Attachment, AuditEntry, Task
from tasks_app.schedule import START, Schedule, arguments
from tests.browser import steps
from tests.browser.axe import faults
from tests.browser.steps import Theme
from tests.factories import QUICK
from tests.stack import Stack

pytestmark = pytest.mark.long

# Django's own markup: the label of its search is a picture with a text, which axe does not take for a visible label.
DJANGOS = 'label-title-only: <input type="text" size="40" name="q"'

MakeTask = Callable[..., Task]


@pytest.fixture
def schedule(staff: User) -> Schedule:
    """Return a schedule that begins a rehearsal each hour."""
    hourly = IntervalSchedule.objects.create(every=1, period=IntervalSchedule.HOURS)
    kept = arguments("Drill", "rehearsal", QUICK, staff.pk)
    made: Schedule = Schedule.objects.create(name="Drill", task=START, interval=hourly, kwargs=kept)
    return made


@pytest.fixture
def pages(staff: User, running_task: MakeTask, schedule: Schedule) -> dict[str, str]:
    """Each of our pages in the admin by its name, with something on it."""
    for state in State:
        running_task(state=state, percent=40)
    failed = running_task(
        state=State.FAILED, percent=62, error_code="x", error_text="Row 7 is torn.", traceback="seven", worker="w@1"
    )
    Attachment.objects.create(task=failed, name="rows.csv", size=12, file="x")
    AuditEntry.objects.create(task=failed, at=timezone.now(), name="staff", verb="start")
    tasks, schedules = "/admin/tasks_app/task/", "/admin/tasks_app/schedule/"
    return {
        "tasks": tasks,
        "tasks-none": f"{tasks}?q=nothing",
        "task": f"{tasks}{failed.pk}/change/",
        "task-running": f"{tasks}{running_task(percent=42).pk}/change/",
        "schedules": schedules,
        "schedule-job": f"{schedules}add/",
        "schedule-add": f"{schedules}add/?job=rehearsal",
        "schedule": f"{schedules}{schedule.pk}/change/",
    }


def test_our_pages_in_the_admin_have_no_fault_for_a_screen_reader(
    live: Stack, themed: BrowserContext, pages: dict[str, str], theme: Theme
) -> None:
    page, found = themed.new_page(), []
    for name, path in pages.items():
        page.goto(live.url + path)
        steps.keep_picture(page, f"admin-{name}-{theme}")
        found += [f"{name}: {fault}" for fault in faults(page) if not fault.startswith(DJANGOS)]
    assert not found, "\n".join(found)


def test_all_columns_are_in_sight_on_a_laptop(live: Stack, member: Page, pages: dict[str, str]) -> None:
    member.set_viewport_size({"width": 1280, "height": 800})
    member.goto(live.url + pages["tasks"])
    expect(member.locator("#result_list .field-worker").first).to_be_in_viewport(ratio=0.9)
    table = member.locator(".results")
    assert table.evaluate("(frame) => frame.scrollWidth - frame.clientWidth") == 0
