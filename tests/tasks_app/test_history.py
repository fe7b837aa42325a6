"""The last runs of a job, their picture, and what was given to it."""

from datetime import timedelta
from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.utils import timezone

from progress_app.events import State
from tasks_app import attachments, registry
from tasks_app.history import MOST_RUNS, history
from tasks_app.inputs import command_line, recent_inputs
from tasks_app.models import Task
from tasks_app.sparkline import HEIGHT, LEAST_HEIGHT, WIDTH, bars
from tests.factories import QUICK, TaskFactory

pytestmark = pytest.mark.django_db


def ran(seconds: float, *, minutes_ago: float = 1, **fields: Any) -> Task:
    end = timezone.now() - timedelta(minutes=minutes_ago)
    begun = end - timedelta(seconds=seconds)
    times = {"created_at": begun, "started_at": begun, "finished_at": end}
    return TaskFactory.create(**({"state": State.SUCCEEDED, "attempt": 1} | times | fields))


def test_usual_is_the_middle_half_of_the_successes() -> None:
    for seconds in (10, 20, 30, 40, 50):
        ran(seconds)
    ran(1000, state=State.FAILED)
    usual = history("rehearsal").usual
    assert usual is not None
    assert [round(end) for end in (usual.low, usual.middle, usual.high)] == [20, 30, 40]


def test_of_too_few_runs_nothing_is_usual() -> None:
    ran(10)
    ran(10, state=State.CANCELLED)
    assert history("rehearsal").usual is None
    assert history("nobody_ran_this").last is None


def test_only_the_newest_ended_runs_of_the_job_count() -> None:
    for number in range(MOST_RUNS + 2):
        ran(1, minutes_ago=number)
    ran(1, job="other")
    TaskFactory.create(running=True)
    shown = history("rehearsal")
    assert len(shown.runs) == MOST_RUNS
    assert shown.runs[0].finished_at < shown.runs[-1].finished_at
    assert shown.counts == {State.SUCCEEDED: MOST_RUNS}


def test_the_picture_ends_at_its_right_edge_and_shows_what_took_no_time() -> None:
    ran(0, minutes_ago=2)
    ran(40)
    first, last = bars(history("rehearsal"))
    assert (first.height, last.height) == (LEAST_HEIGHT, HEIGHT)
    assert last.x + 7 == WIDTH
    assert last.y == 0


def test_a_task_that_never_began_has_a_bar_too() -> None:
    ran(1, state=State.CANCELLED, started_at=None)
    assert [bar.height for bar in bars(history("rehearsal"))] == [LEAST_HEIGHT]


def test_recent_inputs_are_one_s_own_and_different(owner: User) -> None:
    TaskFactory.create_batch(3, owner=owner, ended=True)
    TaskFactory.create(owner=owner, ended=True, params=QUICK | {"steps": "7"})
    TaskFactory.create(owner=owner, params=QUICK | {"steps": "8"})
    TaskFactory.create(ended=True, params=QUICK | {"steps": "666"})
    texts = [given.text for given in recent_inputs(registry.get("rehearsal"), owner)]
    assert len(texts) == 2
    assert "Steps 7" in texts[0]


def test_a_given_file_is_named(owner: User) -> None:
    task = TaskFactory.create(owner=owner, job="profile_csv", params={}, ended=True)
    attachments.keep(task, ContentFile(b"a,b"), "orders.csv", field="upload")
    assert [given.text for given in recent_inputs(registry.get("profile_csv"), owner)] == ["orders.csv"]


def test_the_command_line_holds_what_the_form_holds() -> None:
    class Form(forms.Form):
        word = forms.CharField(initial="two words; rm -rf")
        flag = forms.BooleanField(initial=True)
        many = forms.MultipleChoiceField(initial=["a", "b"])
        empty = forms.CharField(required=False)
        upload = forms.FileField()

    job = registry.Job(name="a_job", function=print, title="A job", form=Form)
    assert command_line(job, Form()) == (
        "manage.py run_job a_job word='two words; rm -rf' flag=on many='a b' upload=path/to/file"
    )
