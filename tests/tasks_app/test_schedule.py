"""Jobs at set times: what happens at a tick, and how ops set the times in the admin."""

import json
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from celery import current_app
from django import forms
from django.apps import apps
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from django_celery_beat.schedulers import ModelEntry

from tasks_app import registry, schedule
from tasks_app.locks import Lock
from tasks_app.models import Task
from tasks_app.schedule import START, Schedule
from tasks_app.tasks import start_scheduled
from tests.factories import QUICK

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("inbox", "static_files", "redis_db")]
LIST = "/admin/tasks_app/schedule/"
ADD = f"{LIST}add/"


class Upload(forms.Form):
    file = forms.FileField()


@pytest.fixture
def ops(client: Client, staff: User) -> Client:
    client.force_login(staff)
    return client


@pytest.fixture
def hourly() -> IntervalSchedule:
    made: IntervalSchedule = IntervalSchedule.objects.create(every=1, period=IntervalSchedule.HOURS)
    return made


def add(client: Client, times: dict[str, Any], **params: Any) -> Any:
    data = {"name": "Drill", "enabled": "on", **times, **{f"param_{k}": v for k, v in (QUICK | params).items()}}
    return client.post(f"{ADD}?job=rehearsal", data)


def tick(owner: User | None, job: str = "rehearsal", params: dict[str, Any] = QUICK) -> Task | None:
    return schedule.start("Drill", job, params, owner.pk if owner else None)


# At its time


def test_a_tick_starts_the_job_for_the_owner(staff: User) -> None:
    task = tick(staff)
    assert task is not None
    assert (task.job, task.owner, task.params) == ("rehearsal", staff, QUICK | {"known_total": True})


def test_two_beats_start_it_once(staff: User) -> None:
    assert tick(staff) is not None
    assert tick(staff) is None
    Lock.objects.update(until=Now() - timedelta(seconds=1))
    assert tick(staff) is not None


def test_the_message_of_a_schedule_is_understood(staff: User) -> None:
    start_scheduled(**json.loads(schedule.arguments("Drill", "rehearsal", QUICK, staff.pk)))
    assert Task.objects.count() == 1


@pytest.mark.parametrize(
    ("job", "params", "told"),
    [
        ("gone", QUICK, "No job named 'gone'"),
        ("rehearsal", {"steps": "none"}, "do not fit"),
        ("rehearsal", {}, "steps"),
    ],
)
def test_what_cannot_start_is_logged_and_harms_nothing(
    staff: User, job: str, params: dict[str, Any], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert tick(staff, job, params) is None
    assert told in caplog.text


def test_who_may_no_longer_start_it_does_not(stranger: User, caplog: pytest.LogCaptureFixture) -> None:
    assert tick(stranger) is None
    assert "may not start" in caplog.text


def test_a_schedule_whose_owner_is_gone_starts_nothing(staff: User, caplog: pytest.LogCaptureFixture) -> None:
    gone, _ = staff.pk, staff.delete()
    assert schedule.start("Drill", "rehearsal", QUICK, gone) is None
    assert "its owner is gone" in caplog.text


def test_the_project_prunes_daily_by_itself() -> None:
    import_module("tasks_app.migrations.0002_indexes").prune_daily(
        apps, None
    )  # a test that emptied all may have been here
    entry = PeriodicTask.objects.get(name="Prune old tasks")
    start_scheduled(**json.loads(entry.kwargs))
    task = Task.objects.get()
    assert (task.job, task.owner) == ("prune_tasks", None)


def test_times_that_passed_while_beat_was_away_are_made_up_for_once(hourly: IntervalSchedule) -> None:
    row = PeriodicTask.objects.create(
        name="Drill", task=START, interval=hourly, last_run_at=timezone.now() - timedelta(hours=7)
    )
    entry = ModelEntry(row, app=current_app)
    assert entry.is_due().is_due
    assert not next(entry).is_due().is_due


# In the admin


def test_adding_asks_for_the_job_first(ops: Client, catalogue: Callable[..., registry.Job]) -> None:
    catalogue(lambda _progress, **_: None, name="needs_a_file", form=Upload)
    page = ops.get(ADD).content.decode()
    assert "?job=rehearsal" in page
    assert "needs_a_file" not in page


def test_the_jobs_own_form_asks_for_the_parameters(ops: Client) -> None:
    page = ops.get(f"{ADD}?job=rehearsal").content.decode()
    assert 'name="param_steps" value="200"' in page


def test_a_schedule_keeps_the_job_its_values_and_who_asked(ops: Client, staff: User, hourly: IntervalSchedule) -> None:
    assert add(ops, {"interval": hourly.pk}).status_code == 302
    made = Schedule.objects.get(name="Drill")
    params = QUICK | {"steps": "4", "seconds": "0", "stages": "1", "fail_chance": "0", "known_total": True}
    assert (made.task, made.arguments) == (
        START, {"name": "Drill", "job": "rehearsal", "params": params, "owner": staff.pk},
    )  # fmt: skip
    assert schedule.start(**made.arguments) is not None


def test_the_values_are_shown_again(ops: Client, hourly: IntervalSchedule) -> None:
    add(ops, {"interval": hourly.pk}, steps=77)
    page = ops.get(f"{LIST}{Schedule.objects.get(name='Drill').pk}/change/").content.decode()
    assert 'name="param_steps" value="77"' in page


def test_values_that_do_not_fit_are_named_beside_their_field(ops: Client, hourly: IntervalSchedule) -> None:
    answer = add(ops, {"interval": hourly.pk}, steps=0)
    assert "At least 1 step." in answer.content.decode()
    assert not Schedule.objects.filter(name="Drill").exists()


@pytest.mark.parametrize("both", [True, False])
def test_one_time_is_wanted(ops: Client, hourly: IntervalSchedule, both: bool) -> None:
    crontab = CrontabSchedule.objects.create(minute="5")
    answer = add(ops, {"interval": hourly.pk, "crontab": crontab.pk} if both else {})
    assert "one of the two" in answer.content.decode()


def test_every_second_is_too_often(ops: Client) -> None:
    often = IntervalSchedule.objects.create(every=1, period=IntervalSchedule.SECONDS)
    assert "60 seconds or more" in add(ops, {"interval": often.pk}).content.decode()


def test_a_job_that_one_may_not_start_cannot_be_scheduled(
    client: Client, staff: User, catalogue: Callable[..., registry.Job]
) -> None:
    catalogue(lambda _progress: None, name="secret", permission="auth.no_such")
    staff.is_superuser = False
    staff.save()
    client.force_login(staff)
    assert client.get(f"{ADD}?job=secret").status_code == 403
    assert client.get(ADD).status_code == 403


def test_the_list_shows_schedules_of_jobs_alone(ops: Client, hourly: IntervalSchedule) -> None:
    add(ops, {"interval": hourly.pk})
    PeriodicTask.objects.create(name="foreign", task="shop.tally", interval=hourly)
    page = ops.get(LIST).content.decode()
    assert "Drill" in page
    assert "foreign" not in page


def test_a_schedule_whose_job_is_gone_is_listed_and_starts_nothing(ops: Client, hourly: IntervalSchedule) -> None:
    PeriodicTask.objects.create(
        name="Old", task=START, interval=hourly, kwargs=schedule.arguments("Old", "gone", {}, None)
    )
    assert "Old" in ops.get(LIST).content.decode()
