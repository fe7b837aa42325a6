"""The last runs of a job, their picture, and what was given to it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone

from progress_app.events import State
from tasks_app import attachments, registry
from tasks_app.history import MOST_RUNS, history
from tasks_app.inputs import command_line, recent_inputs
from tasks_app.models import Attachment, Task
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


def test_what_is_usual_for_some_values_is_told_by_runs_with_the_same_ones() -> None:
    for seconds, steps in ((10, 1), (11, 1), (12, 1), (80, 9), (90, 9)):
        ran(seconds, params={"steps": steps})
    few, many = (history("rehearsal").usual_with({"steps": steps}) for steps in (1, 9))
    assert (few and round(few.middle), many) == (11, None)


def sized_run(seconds: float, size: int) -> None:
    kept = attachments.keep(ran(seconds, job="profile_csv"), ContentFile(b"a"), "a.csv", field="upload")
    Attachment.objects.filter(pk=kept.pk).update(size=size)


def test_what_is_usual_for_a_file_is_told_by_files_of_about_its_size() -> None:
    for seconds, size in ((1, 1_000), (2, 1_200), (3, 1_900), (60, 90_000), (61, 100_000), (62, 150_000)):
        sized_run(seconds, size)
    runs = history("profile_csv", sized=True)
    small, large = runs.usual_for(1_000), runs.usual_for(110_000)
    assert small is not None
    assert large is not None
    assert (round(small.middle), round(large.middle)) == (2, 61)
    assert [runs.usual_for(size) for size in (100, 10_000, 1_000_000)] == [None] * 3
    assert runs.usual is not None
    assert runs.usual.is_wide
    assert not large.is_wide


def test_results_are_not_counted_as_what_was_given() -> None:
    task = ran(1, job="profile_csv")
    attachments.keep(task, ContentFile(b"abc"), "report.html")
    assert [run.size for run in history("profile_csv", sized=True).runs] == [0]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("bytes=100000", "usually 61–62 s for about 97.7 KB"), ("", "usually 2–61 s depending on the file"),
        ("bytes=9", "depending on the file"), ("bytes=x", "depending on the file"),
        ("bytes=" + "9" * 400, "depending on the file"),
    ],
)  # fmt: skip
def test_the_form_says_what_is_usual_for_the_chosen_file(client: Client, staff: User, asked: str, told: str) -> None:
    for seconds, size in ((1, 1_000), (1, 1_200), (2, 1_900), (60, 90_000), (61, 100_000), (62, 150_000)):
        sized_run(seconds, size)
    client.force_login(staff)
    shown = client.get(f"/jobs/profile_csv/usual/?{asked}").content.decode()
    assert told in " ".join(re.sub(r"<[^>]*>", " ", shown).split())


@pytest.mark.usefixtures("static_files", "redis_db")
def test_what_is_usual_is_told_to_those_alone_who_may_start_the_job(client: Client, stranger: User) -> None:
    client.force_login(stranger)
    assert client.get("/jobs/profile_csv/usual/?bytes=1").status_code == 404


@pytest.mark.usefixtures("static_files", "redis_db")
def test_a_task_whose_runs_differ_much_has_no_usual_pace(client: Client, staff: User) -> None:
    client.force_login(staff)
    for seconds, size in ((1, 1_000), (1, 1_200), (2, 1_900), (60, 90_000), (61, 100_000), (62, 150_000)):
        sized_run(seconds, size)
    task = TaskFactory.create(job="profile_csv", owner=staff)
    assert client.get(task.get_absolute_url()).context["usual_s"] is None
    kept = attachments.keep(task, ContentFile(b"a"), "a.csv", field="upload")
    Attachment.objects.filter(pk=kept.pk).update(size=100_000)
    assert client.get(task.get_absolute_url()).context["usual_s"] == pytest.approx(61, abs=1)


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
