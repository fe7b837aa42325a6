"""The Django doors of the stream: permission first, then tokens, the snapshot and the bar as a page."""

import json
import time
import uuid
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.test import Client

from progress_app import connections
from progress_app.events import Snapshot, State
from tasks_app.models import Task

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


@pytest.fixture
def task(owner: User) -> Task:
    return Task.objects.create(job="rehearsal", owner=owner)


@pytest.fixture
def running(task: Task, redis_db: redis.Redis) -> Task:
    report(task, percent=42.0)
    return task


def report(task: Task, state: State = State.RUNNING, **values: Any) -> int:

    snapshot = Snapshot(task=str(task.pk), job=task.job, attempt=1, state=state, ts=time.time(), **values)
    return connections.backend().publish(snapshot).pos


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def ask_token(client: Client, *channels: str, **more: Any) -> Any:
    body = json.dumps({"channels": channels, **more})
    return client.post("/events/token/", body, content_type="application/json")


def test_the_snapshot_is_what_redis_has(running: Task, owner: User) -> None:
    response = logged_in(owner).get(f"/tasks/{running.pk}/snapshot/")
    assert response.status_code == 200
    assert response.json()["percent"] == 42.0
    assert response["Retry-After"] == "1"
    assert "private" in response["Cache-Control"]


def test_the_same_snapshot_is_not_sent_twice(running: Task, owner: User) -> None:
    client = logged_in(owner)
    etag = client.get(f"/tasks/{running.pk}/snapshot/")["ETag"]
    again = client.get(f"/tasks/{running.pk}/snapshot/", headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again["Retry-After"]) == (304, b"", "1")
    report(running, percent=43.0)
    assert client.get(f"/tasks/{running.pk}/snapshot/", headers={"If-None-Match": etag}).status_code == 200


def test_a_finished_task_is_not_to_be_asked_again(running: Task, owner: User) -> None:
    report(running, State.SUCCEEDED, percent=100.0)
    response = logged_in(owner).get(f"/tasks/{running.pk}/snapshot/")
    assert response.json()["state"] == "succeeded"
    assert "Retry-After" not in response


def test_a_queued_task_is_shown_from_its_row_and_asked_seldom(task: Task, redis_db: redis.Redis, owner: User) -> None:
    response = logged_in(owner).get(f"/tasks/{task.pk}/snapshot/")
    assert (response.json()["state"], response["Retry-After"]) == ("queued", "5")


def test_who_may_not_see_a_task_cannot_tell_it_from_none(running: Task, stranger: User, colleague: User) -> None:
    for client in (Client(), logged_in(stranger), logged_in(colleague)):
        for page in ("snapshot", "widget"):
            assert client.get(f"/tasks/{running.pk}/{page}/").status_code == 404
            assert client.get(f"/tasks/{uuid.uuid4()}/{page}/").status_code == 404


def test_the_bar_as_a_page_refreshes_itself_until_the_end(running: Task, owner: User) -> None:
    client = logged_in(owner)
    page = client.get(f"/tasks/{running.pk}/widget/")
    assert b'http-equiv="refresh"' in page.content
    assert page["X-Frame-Options"] == "SAMEORIGIN"
    report(running, State.FAILED)
    assert b'http-equiv="refresh"' not in client.get(f"/tasks/{running.pk}/widget/").content


def test_a_token_is_given_for_what_the_user_may_read(running: Task, owner: User) -> None:
    response = ask_token(logged_in(owner), f"task-{running.pk}")
    told = response.json()
    assert response.status_code == 200
    assert told["expires_in"] == 60
    assert told["url"].endswith(f"/events/?token={told['token']}")
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize(
    ("person", "channels", "status"),
    [
        ("anonymous", ["task"], 401),
        ("stranger", ["task"], 403),
        ("stranger", ["unknown"], 403),
        ("owner", ["task", "unknown"], 403),
        ("owner", [], 400),
        ("owner", ["task"] * 51, 400),
        ("owner", ["a b"], 400),
        ("owner", ["x" * 10_000], 400),
    ],
)
def test_no_token_for_anything_else(
    request: pytest.FixtureRequest, running: Task, person: str, channels: list[str], status: int
) -> None:
    client = Client() if person == "anonymous" else logged_in(request.getfixturevalue(person))
    known = {"task": f"task-{running.pk}", "unknown": f"task-{uuid.uuid4()}"}
    response = ask_token(client, *(known.get(name, name) for name in channels))
    assert response.status_code == status
    assert response.json()["condition"]


@pytest.mark.parametrize("body", ["", "{", "[]", '{"channels": "task"}', '{"channels": [1]}'])
def test_a_body_that_is_no_token_request_is_refused(owner: User, body: str) -> None:
    response = logged_in(owner).post("/events/token/", body, content_type="application/json")
    assert response.status_code == 400


def test_a_token_needs_a_csrf_token(running: Task, owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    assert ask_token(client, f"task-{running.pk}").status_code == 403


def test_an_unknown_transport_is_refused(running: Task, owner: User) -> None:
    assert ask_token(logged_in(owner), f"task-{running.pk}", transport="pigeon").status_code == 400


def test_the_authorize_page_answers_the_gateway_alone(running: Task, owner: User) -> None:
    assert logged_in(owner).get(f"/events/authorize/?channel=task-{running.pk}").status_code == 404


def test_a_server_without_the_gateway_says_so(owner: User) -> None:
    assert logged_in(owner).get("/events/").status_code == 501


def test_a_refusal_names_the_channels_that_are_refused(owner: User, running: Task) -> None:
    unknown = f"task-{uuid.uuid4()}"
    response = ask_token(logged_in(owner), f"task-{running.pk}", unknown)
    assert response.json()["channels"] == [unknown]


def test_a_token_leads_to_the_streams_own_host(owner: User, running: Task, settings: Any) -> None:
    settings.PROGRESS_EVENTS_URL = "https://stream.example.org/events/"
    answer = ask_token(logged_in(owner), f"task-{running.pk}").json()
    assert answer["url"] == f"https://stream.example.org/events/?token={answer['token']}"
