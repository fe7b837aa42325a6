"""Beat, a worker and a schedule: real processes, and a time that has come."""

import sys
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from config import probe
from progress_app.events import State
from tasks_app import schedule
from tasks_app.models import Task
from tests.factories import QUICK
from tests.processes import Service, until
from tests.stack import Stack, database_environment

pytestmark = pytest.mark.long

QUIETLY = ["beat", "-l", "info", "--pidfile="]


@pytest.fixture
def overdue(staff: User) -> PeriodicTask:
    """A schedule whose last three times have passed."""
    hourly = IntervalSchedule.objects.create(every=1, period=IntervalSchedule.HOURS)
    row: PeriodicTask = PeriodicTask.objects.create(
        name="Drill",
        task=schedule.START,
        interval=hourly,
        kwargs=schedule.arguments("Drill", "rehearsal", QUICK, staff.pk),
        last_run_at=timezone.now() - timedelta(hours=3, minutes=30),
    )
    return row


def test_beat_makes_up_for_what_was_missed_once_and_shows_that_it_lives(live: Stack, overdue: PeriodicTask) -> None:
    beat = Service("beat", [sys.executable, "-m", "celery", "-A", "config.celery", *QUIETLY], database_environment())
    assert probe.beat() != ""
    beat.start(lambda: "beat: Starting" in beat.text())
    try:
        until(lambda: Task.objects.filter(state=State.SUCCEEDED).exists(), what="the task of the schedule")
        until(lambda: probe.beat() == "", what="beat's sign of life")
    finally:
        beat.stop()
    assert Task.objects.count() == 1
