"""The jobs about tasks: bulk verbs and the export, and what they may do for whom."""

import csv
import io
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.translation import override

from progress_app.events import State
from tasks_app import lifecycle, runner
from tasks_app.line import place_of
from tasks_app.models import Attachment, Task
from tasks_app.registry import BadParameters
from tasks_app.search import ALL, chosen
from tasks_app.terms import terms
from tests.factories import TaskFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("static_files", "redis_db")]


@pytest.fixture(autouse=True)
def put(inbox: list[Task]) -> list[Task]:
    return inbox


def post(user: User, **data: Any) -> Task:
    """Send the list's form, and run the task that it started."""
    client = Client()
    client.force_login(user)
    response = client.post("/tasks/many/", data)
    assert response.status_code == 302, response.content
    task = Task.objects.get(pk=response["Location"].strip("/").rpartition("/")[2])
    runner.run(str(task.pk), worker="test")
    task.refresh_from_db()
    assert task.is_final
    return task


def states(*tasks: Task) -> list[str]:
    return [Task.objects.get(pk=task.pk).state for task in tasks]


def test_the_ticked_ones_are_cancelled_and_the_report_says_what_was_not(owner: User) -> None:
    waiting, ended, other = (
        TaskFactory.create(owner=owner), TaskFactory.create(owner=owner, ended=True), TaskFactory.create(owner=owner),
    )  # fmt: skip
    report: Any = post(owner, verb="cancel", pick=[str(waiting.pk), str(ended.pk)])
    assert states(waiting, ended, other) == [State.CANCELLED, State.SUCCEEDED, State.QUEUED]
    assert report.state == State.SUCCEEDED
    assert report.result["done"] == 1
    assert "already ended" in next(iter(report.result["refused"]))


def test_who_cancels_many_does_not_wait_behind_them(owner: User) -> None:
    waiting = TaskFactory.create_batch(3, owner=owner)
    report = post(owner, verb="cancel", every="1", confirmed="1")
    assert states(*waiting) == [State.CANCELLED] * 3
    again = Task.objects.create(job="rehearsal", owner=owner, created_at=report.created_at - timedelta(minutes=1))
    Task.objects.filter(pk=report.pk).update(state=State.QUEUED, finished_at=None)
    report.refresh_from_db()
    place = place_of(report)
    assert place is not None
    assert place.position == 1
    assert report.queue != again.queue, "nor does it wait for a slot of theirs"


def test_all_that_match_are_repeated(staff: User) -> None:
    failed = TaskFactory.create_batch(3, state=State.FAILED)
    TaskFactory.create(ended=True)
    report: Any = post(staff, verb="retry", every="1", q=["state:failed"], scope="all", confirmed="1")
    assert report.result["done"] == 3
    again = Task.objects.filter(retry_of__in=failed)
    assert again.count() == 3
    assert set(chosen(staff, terms([f"from:{report.pk}"]), ALL)) == set(again), "its page leads to them"


def test_with_all_that_match_no_change_of_many_is_repeated_and_none_is_tried_in_vain(owner: User) -> None:
    waiting, ended = TaskFactory.create(owner=owner), TaskFactory.create(owner=owner, ended=True)
    earlier = post(owner, verb="cancel", pick=[str(waiting.pk)])
    report: Any = post(owner, verb="retry", every="1", confirmed="1")
    assert (report.result["done"], report.result["selected"], report.result["refused"]) == (2, 2, {})
    assert set(Task.objects.filter(retry_of=None, retries__isnull=False)) == {waiting, ended}
    assert not earlier.retries.exists()


def test_what_one_does_not_control_is_not_touched(owner: User, colleague: User) -> None:
    task = TaskFactory.create(owner=owner, group=owner.groups.get())
    foreign = TaskFactory.create()
    report: Any = post(colleague, verb="cancel", pick=[str(task.pk), str(foreign.pk)])
    assert states(task, foreign) == [State.QUEUED, State.QUEUED]
    assert report.error_text == (
        "Nothing was changed: the task refuses. Only its owner and staff may cancel a task."
    ), "of the foreign one not even the number"


@pytest.mark.parametrize(
    "data", [{"verb": "cancel"}, {"verb": "explode", "every": "1"}, {"verb": "cancel", "pick": "x"}]
)
def test_nothing_is_started_for_what_makes_no_sense(owner: User, data: dict[str, str]) -> None:
    client = Client()
    client.force_login(owner)
    assert client.post("/tasks/many/", data)["Location"].startswith("/tasks/")
    assert not Task.objects.exists()


def test_a_change_of_all_that_match_is_asked_for_once_more(owner: User) -> None:
    waiting, ended = TaskFactory.create(owner=owner), TaskFactory.create(owner=owner, ended=True)
    client = Client()
    client.force_login(owner)
    given = {"verb": "cancel", "every": "1", "q": "job:Rehearsal", "scope": "mine"}
    page = client.post("/tasks/many/", given).content.decode()
    assert "Cancel 1 task?" in " ".join(page.split())
    assert "2 match; those that have ended already stay as they are." in " ".join(page.split())
    assert states(waiting, ended) == [State.QUEUED, State.SUCCEEDED]
    assert Task.objects.count() == 2, "nothing was started"
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.partition("<h1>")[0]))
    post(owner, **{name: value for name, value in hidden.items() if name != "csrfmiddlewaretoken"})
    assert states(waiting, ended) == [State.CANCELLED, State.SUCCEEDED]


def test_where_nothing_was_done_nobody_is_told_of_a_success(owner: User) -> None:
    ended = TaskFactory.create_batch(2, owner=owner, ended=True)
    report = post(owner, verb="cancel", pick=[str(task.pk) for task in ended])
    assert report.state == State.FAILED
    assert report.error_text == (
        "Nothing was changed: all 2 tasks refuse. This task has already ended (Succeeded); there is nothing to cancel."
    )


def test_the_page_of_a_change_says_what_came_of_it_in_words(owner: User) -> None:
    waiting, ended = TaskFactory.create(owner=owner), TaskFactory.create(owner=owner, ended=True)
    report = post(owner, verb="cancel", pick=[str(waiting.pk), str(ended.pk)], q=["job:rehearsal"])
    assert report.message == "1 task cancelled; 1 refused"
    client = Client()
    client.force_login(owner)
    page = " ".join(client.get(report.get_absolute_url()).content.decode().split())
    assert "1 of 2 was cancelled." in page
    assert "They were those that match" not in page, "they were ticked"
    assert "<dt>Chosen tasks</dt> <dd> 2 tasks </dd>" in page
    assert "1 × This task has already ended (Succeeded); there is nothing to cancel." in page
    assert f"/tasks/?scope=all&amp;q=from:{report.pk}" in page
    shown = client.get(f"/tasks/?scope=all&q=from:{report.pk}").context["page_obj"]
    assert list(shown) == [waiting]


def test_the_log_names_what_was_refused_as_people_know_it(owner: User) -> None:
    waiting, ended = TaskFactory.create(owner=owner), TaskFactory.create(owner=owner, ended=True)
    Attachment.objects.create(task=ended, field="file", name="orders.csv", file="x", size=1)
    report = post(owner, verb="cancel", pick=[str(waiting.pk), str(ended.pk)])
    (said,) = [entry.text for entry in report.log_entries() if entry.level == "warning"]
    assert said.startswith(f"Rehearsal, orders.csv ({str(ended.pk)[:8]}): This task has already ended")


def exported(task: Task) -> str:
    with task.attachments.get(field="").file.open() as file:
        return str(file.read().decode())


def test_an_export_holds_what_the_search_means_and_one_may_see(owner: User) -> None:
    TaskFactory.create(owner=owner, state=State.FAILED, error_text="=HYPERLINK(1)")
    TaskFactory.create(owner=owner)
    TaskFactory.create(state=State.FAILED)
    rows = list(csv.DictReader(io.StringIO(exported(post(owner, verb="export", q=["state:failed"], scope="all")))))
    assert [row["owner"] for row in rows] == ["owner"]
    assert rows[0]["error_text"] == "'=HYPERLINK(1)", "no formula"


@pytest.mark.parametrize("language", ["en", "de"])
def test_an_export_names_what_people_know_a_task_by(owner: User, language: str) -> None:
    task = TaskFactory.create(owner=owner, job="profile_csv")
    for field, name in [("file", "=orders.csv"), ("other", "more.csv"), ("", "report.html")]:
        Attachment.objects.create(task=task, field=field, name=name, file="x", size=1)
    TaskFactory.create(owner=owner, job="gone")
    with override(language):
        asked = [lifecycle.enqueue("export_tasks", user=owner, data={"kind": kind}) for kind in ("csv", "json")]
    for export in asked:
        runner.run(str(export.pk), worker="test")
    head, *lines = csv.reader(io.StringIO(exported(asked[0])))
    assert head[:5] == ["id", "job", "title", "files", "state"]
    assert ["profile_csv", "Profile a CSV file", "'=orders.csv; more.csv"] in [line[1:4] for line in lines]
    rows = [row for row in json.loads(exported(asked[1])) if row["job"] in {"gone", "profile_csv"}]
    shown = [(row["title"], row["files"]) for row in rows]
    assert shown == [("gone", []), ("Profile a CSV file", ["=orders.csv", "more.csv"])]


def test_an_export_of_the_ticked_ones_holds_just_these(owner: User) -> None:
    ticked, *_others = TaskFactory.create_batch(3, owner=owner)
    task = post(owner, verb="export", kind="json", pick=[str(ticked.pk)])
    assert [row["id"] for row in json.loads(exported(task))] == [str(ticked.pk)]


def test_an_export_is_not_among_what_it_exports(owner: User) -> None:
    tasks = TaskFactory.create_batch(2, owner=owner)
    rows = json.loads(exported(post(owner, verb="export", kind="json")))
    assert {row["id"] for row in rows} == {str(task.pk) for task in tasks}


def test_a_search_of_the_form_is_as_in_the_list_and_a_mistyped_one_is_told(owner: User) -> None:
    failed = TaskFactory.create(owner=owner, state=State.FAILED)
    Attachment.objects.create(task=failed, field="file", name="orders.csv", file="x", size=1)
    task = lifecycle.enqueue("export_tasks", user=owner, data={"kind": "json", "search": "state:failed orders"})
    runner.run(str(task.pk), worker="test")
    assert [row["id"] for row in json.loads(exported(task))] == [str(failed.pk)]
    with pytest.raises(BadParameters, match="no state fialed"):
        lifecycle.enqueue("export_tasks", user=owner, data={"kind": "json", "search": "state:fialed"})


def test_an_export_as_json(owner: User) -> None:
    tasks = TaskFactory.create_batch(2, owner=owner)
    rows = json.loads(exported(post(owner, verb="export", kind="json", q=["state:queued"])))
    ours = {str(task.pk) for task in tasks}
    assert ours <= {row["id"] for row in rows}


def test_an_empty_export_is_a_file_too(owner: User) -> None:
    assert json.loads(exported(post(owner, verb="export", kind="json", q=["state:lost"]))) == []


def test_a_child_among_the_chosen_is_told_and_not_passed_over(staff: User) -> None:
    parent = TaskFactory.create(ended=True)
    child = TaskFactory.create(ended=True, parent=parent)
    report: Any = post(staff, verb="retry", pick=[str(child.pk)])
    assert "a part of another one" in report.error_text
