"""What a task's page shows of its log: from Redis while it is live there, after what was kept of it."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_eventstream import send_event

from progress_app import connections
from progress_app.channels import log_channel
from progress_app.events import LogEntry, Snapshot, State
from progress_app.logbook import MOST_KEPT
from tasks_app.joblog import joblog, keepable
from tasks_app.models import Task
from tests.factories import TaskFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_db")]
KEPT = [{"level": "info", "text": "kept", "ts": 1.0}]


@pytest.fixture
def task(owner: User) -> Task:
    return TaskFactory.create(owner=owner, running=True)


def write(task: Task, *texts: str) -> None:
    entries = [LogEntry(task=str(task.pk), text=text, ts=1.0) for text in texts]
    connections.backend().publish(Snapshot(task=str(task.pk), attempt=1, state=State.RUNNING, ts=1.0), entries)


def newest(task: Task) -> int:
    return connections.backend().position(log_channel(task.pk))


def test_a_running_task_s_log_is_in_redis_with_the_position_to_go_on_from(task: Task) -> None:
    write(task, "one", "two")
    entries, position = joblog(task)
    assert [entry.text for entry in entries] == ["one", "two"]
    assert position == newest(task) > 0


def test_an_ended_task_s_log_is_with_its_row(task: Task) -> None:
    write(task, "one")
    task.state, task.log = State.SUCCEEDED, KEPT
    entries, position = joblog(task)
    assert ([entry.text for entry in entries], position) == (["kept"], newest(task))


def test_a_task_that_runs_again_shows_what_was_kept_and_what_came_since(task: Task) -> None:
    task.log = [{"level": "info", "text": text, "ts": ts} for text, ts in (("long ago", 0.5), ("one", 1.0))]
    write(task, "one", "two")
    assert [entry.text for entry in joblog(task)[0]] == ["long ago", "one", "two"]
    connections.backend().client.flushdb()
    assert [entry.text for entry in joblog(task)[0]] == ["long ago", "one"], "a Redis that lost its data"


def test_the_row_keeps_the_newest_and_over_several_attempts_a_count_of_the_others(task: Task) -> None:
    entries = [LogEntry(task=str(task.pk), text=str(number), ts=float(number)) for number in range(MOST_KEPT + 5)]
    task.log = keepable(entries)
    assert len(task.log) == MOST_KEPT
    assert task.log[0] == {"level": "info", "text": "6 earlier log entries are not kept.", "ts": 5.0}
    assert task.log[1]["text"] == "6"
    again = keepable([*task.log_entries(), *entries[:2]])
    assert (len(again), again[0]["text"]) == (MOST_KEPT, "8 earlier log entries are not kept.")
    assert [entry["text"] for entry in again[1:3]] == ["8", "9"]


def test_a_task_that_has_said_nothing(task: Task) -> None:
    assert joblog(task) == ([], 0)


def test_with_redis_away_what_was_kept_is_shown(task: Task, settings: Any) -> None:
    settings.PROGRESS_REDIS_URL = "redis://127.0.0.1:1/0"
    assert joblog(task) == ([], 0)
    task.log = KEPT
    assert [entry.text for entry in joblog(task)[0]] == ["kept"]


@pytest.mark.usefixtures("static_files")
def test_what_other_code_sent_there_in_another_form_does_not_break_the_page(task: Task, owner: User) -> None:
    write(task, "one")
    for data in ({"text": "without a time"}, ["no entry"], "text"):
        send_event(log_channel(task.pk), "log", data)
    send_event(log_channel(task.pk), "notification", {"text": "another event"})
    entries, position = joblog(task)
    assert ([entry.text for entry in entries], position) == (["one"], newest(task))
    client = Client()
    client.force_login(owner)
    assert client.get(f"/tasks/{task.pk}/").status_code == 200
