"""What lists and the overview begin with: who sees which unfinished tasks, and where their rows are announced."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from config.places import BASE
from progress_app import connections
from progress_app.events import Snapshot, State
from tasks_app.overview import overview
from tasks_app.permissions import audience
from tasks_app.rows import listing
from tests.environment import free_port
from tests.factories import TaskFactory


def shown(channel: str) -> list[str]:
    return [snapshot.task for snapshot in listing(channel).snapshots]


def test_staff_see_all_unfinished_tasks_oldest_first(db: None) -> None:
    tasks = [TaskFactory.create(), TaskFactory.create(running=True)]
    TaskFactory.create(ended=True)
    assert shown("tasks") == [str(task.pk) for task in tasks]
    assert listing("tasks").sources == ("tasks",)


def test_a_user_sees_ones_own_tasks_and_those_of_ones_groups(owner: User, colleague: User, group: Group) -> None:
    own, theirs = TaskFactory.create(owner=owner), TaskFactory.create(owner=colleague, group=group)
    TaskFactory.create(owner=colleague)
    channel = f"user-{owner.pk}.tasks"
    assert shown(channel) == [str(own.pk), str(theirs.pk)]
    assert listing(channel).sources == (channel, f"group-{group.pk}.tasks")


def test_a_member_of_staff_has_all_tasks_in_ones_own_list(staff: User, owner: User) -> None:
    task = TaskFactory.create(owner=owner)
    assert shown(f"user-{staff.pk}.tasks") == [str(task.pk)]
    assert listing(f"user-{staff.pk}.tasks").sources == ("tasks",)


def test_nobody_has_no_list(db: None) -> None:
    TaskFactory.create()
    assert listing("user-0.tasks").snapshots == ()


def test_a_tasks_row_goes_to_its_owner_and_its_group(owner: User, group: Group) -> None:
    assert audience(TaskFactory.create(owner=owner, group=group)) == (f"user-{owner.pk}", f"group-{group.pk}")
    assert audience(TaskFactory.create(owner=None)) == ()


def test_the_overview_counts_who_waits_and_names_what_runs(owner: User) -> None:
    waiting = TaskFactory.create_batch(3, owner=owner)
    running = TaskFactory.create(owner=owner, running=True, worker="worker@one")
    TaskFactory.create(ended=True)
    told = overview()
    assert [(queue["name"], queue["depth"]) for queue in told["queues"]] == [(waiting[0].queue, 3)]
    assert told["queues"][0]["oldest_s"] >= 0
    (worker,) = (each for each in told["workers"] if each["name"] == "worker@one")
    assert (worker["name"], worker["tasks"][0]["task"], worker["tasks"][0]["state"]) == (
        "worker@one", str(running.pk), State.RUNNING,
    )  # fmt: skip


def percents() -> list[float | None]:
    return [task["percent"] for worker in overview()["workers"] for task in worker["tasks"]]


@pytest.mark.usefixtures("redis_db")
@pytest.mark.parametrize(("attempt", "percent"), [(2, 57.0), (1, 10.0)])
def test_how_far_a_task_is_comes_from_its_present_attempt(owner: User, attempt: int, percent: float) -> None:
    task = TaskFactory.create(owner=owner, running=True, worker="worker@one", attempt=2, percent=10.0)
    connections.backend().publish(Snapshot(task=str(task.pk), attempt=attempt, state=State.RUNNING, percent=57.0))
    assert percents() == [percent]


def test_without_redis_the_rows_tell_how_far_the_tasks_are(owner: User, settings: Any) -> None:
    settings.PROGRESS_REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    TaskFactory.create(owner=owner, running=True, worker="worker@one", percent=10.0)
    assert percents() == [10.0]


def test_the_documents_example_of_the_overview_has_the_fields_that_we_send(owner: User) -> None:
    TaskFactory.create(owner=owner)
    TaskFactory.create(owner=owner, running=True, worker="worker@one")
    text = (BASE / "docs" / "events.md").read_text(encoding="utf-8")
    example = json.loads(text.split("```json\n")[2].partition("\n```")[0])
    told = overview()
    assert example["queues"][0].keys() == told["queues"][0].keys()
    (worker,) = (each for each in told["workers"] if each["name"] == "worker@one")
    assert example["workers"][0].keys() == worker.keys()
    assert example["workers"][0]["tasks"][0].keys() == worker["tasks"][0].keys()
