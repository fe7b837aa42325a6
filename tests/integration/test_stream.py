"""Form → task → events → database, over a real server, a real worker and a real Valkey."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from django.contrib.auth.models import User

from progress_app import connections
from progress_app.events import Snapshot, State
from tasks_app.models import Task
from tests.factories import TaskFactory
from tests.integration.conftest import DEADLINE_S, Person
from tests.processes import until
from tests.stack import Stack


def ask_token(person: Person, *channels: str) -> httpx.Response:
    page = person.http.get("/tasks/").text
    csrf = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    return person.http.post("/events/token/", json={"channels": channels}, headers={"X-CSRFToken": csrf})


def test_a_job_from_its_form_to_its_end(admin: Person, live: Stack) -> None:
    with ExitStack() as opened:
        with live.worker.service.frozen():  # it starts under the viewer's eyes
            task = admin.start(seconds=2)
            events = opened.enter_context(admin.events(f"task-{task}", f"task-{task}.log"))
            events.until("stream-open")
        end = json.loads(events.until("complete")["data"])
        rest = list(events)
    assert events.names[0] == "stream-open"
    assert events.names.count("progress") >= 3
    assert "log" in events.names
    assert (end["state"], end["percent"], rest) == ("succeeded", 100.0, [])
    positions = [json.loads(e["data"])["pos"] for e in events.seen if e.get("event") in ("progress", "complete")]
    assert positions == sorted(positions)
    percents = [json.loads(e["data"])["percent"] or 0 for e in events.seen if e.get("event") == "progress"]
    assert percents == sorted(percents)
    row = Task.objects.get(pk=task)
    assert (row.state, row.attempt, row.percent) == (State.SUCCEEDED, 1, 100.0)
    assert (row.result or {})["steps"] == 20


def test_who_has_seen_the_end_is_told_to_stop(admin: Person) -> None:
    task = admin.start(seconds=0)
    with admin.events(f"task-{task}") as events:
        last_id = events.until("complete")["id"]
    with admin.events(f"task-{task}", last_id=last_id) as events:
        assert events.response.status_code == 204


def test_headers_keep_proxies_from_holding_events_back(admin: Person) -> None:
    with admin.events(f"task-{admin.start()}") as events:
        headers = events.response.headers
    assert headers["content-type"] == "text/event-stream"
    assert headers["cache-control"] == "no-cache, no-transform"
    assert (headers["x-accel-buffering"], headers["content-encoding"]) == ("no", "identity")


def test_the_log_goes_on_where_the_viewer_was(admin: Person) -> None:
    task = admin.start(seconds=0)
    channels = (f"task-{task}", f"task-{task}.log")
    with admin.events(*channels) as events:
        events.until("complete")
        list(events)
    logged = [event for event in events.seen if event.get("event") == "log"]
    seen = logged[3]["id"].split(",")[0]
    with admin.events(channels[1], last_id=seen) as events:
        assert [events.until("log")["data"] for _ in logged[4:]] == [event["data"] for event in logged[4:]]


@pytest.mark.parametrize(
    ("channels", "status"), [([], 400), (["tasks"] * 51, 400), (["a b"], 400), (["x" * 10_000], 400)]
)
def test_a_request_that_cannot_be_meant_is_400(admin: Person, channels: list[str], status: int) -> None:
    with admin.events(*channels) as events:
        assert events.response.status_code == status


def test_without_a_session_401_and_without_permission_403(live: Stack, stranger: User) -> None:
    task = TaskFactory.create()
    assert httpx.get(f"{live.url}/events/?channel=task-{task.pk}", timeout=DEADLINE_S).status_code == 401
    somebody = Person(live.url, stranger)
    for channel in (f"task-{task.pk}", "tasks", "task-6f0c1111-2222-3333-4444-555566667777"):
        with somebody.events(channel) as events:
            assert events.response.status_code == 403
    somebody.http.close()


@pytest.mark.parametrize("last_id", ["garbage", "a:b,c", "task-x:99999999999999999999999", ":,:,:", "x" * 7000])
def test_a_last_id_of_garbage_is_a_fresh_start(admin: Person, last_id: str) -> None:
    with admin.events(f"task-{admin.start(seconds=0)}", last_id=last_id) as events:
        events.until("complete")


# Tokens


def test_a_token_opens_one_stream_for_a_program_without_a_session(admin: Person, live: Stack) -> None:
    task = admin.start(seconds=0)
    url = ask_token(admin, f"task-{task}").json()["url"]
    with httpx.stream("GET", url, timeout=DEADLINE_S) as response:
        assert response.status_code == 200
        assert "event: complete" in response.read().decode()
    assert httpx.get(url, timeout=DEADLINE_S).status_code == 401


def test_of_two_clients_that_race_with_a_token_one_wins(admin: Person) -> None:
    task = admin.start(seconds=0)
    with admin.events(f"task-{task}") as events:
        events.until("complete")
    url = ask_token(admin, f"task-{task}").json()["url"]
    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(lambda _: httpx.get(url, timeout=DEADLINE_S).status_code, range(8)))
    assert statuses == [200] + [401] * 7


def test_a_token_is_kept_as_a_hash_and_never_logged(admin: Person, live: Stack) -> None:
    told = ask_token(admin, f"task-{admin.start(seconds=0)}").json()
    with live.valkey.client() as redis:
        everything = b"".join(key for key in redis.scan_iter())
    assert told["token"].encode() not in everything
    with httpx.stream("GET", told["url"], timeout=DEADLINE_S) as response:
        response.read()
    assert told["token"] not in live.web.service.text()


# Events of other programs


def test_send_event_from_another_process_reaches_the_viewer(admin: Person, staff: User) -> None:
    code = "import django; django.setup(); from django_eventstream import send_event; "
    code += f"send_event('user-{staff.pk}', 'notification', {{'text': 'line 1\\nline 2'}})"
    with admin.events(f"user-{staff.pk}") as events:
        events.until("stream-open")
        root = Path(__file__).parent.parent.parent
        command = [sys.executable, "-W", "ignore", "-c", code]
        subprocess.run(command, check=True, cwd=root, env=_environment())
        event = events.until("notification")
    assert json.loads(event["data"]) == {"text": "line 1\nline 2"}
    assert event["id"].startswith(f"user-{staff.pk}:")


def _environment() -> dict[str, str]:
    import os  # noqa: PLC0415

    return os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}


def test_an_end_that_redis_has_lost_is_shown_from_the_record(admin: Person, staff: User) -> None:
    task = TaskFactory.create(owner=staff, ended=True)
    connections.backend().publish(Snapshot(task=str(task.pk), attempt=1, state=State.RUNNING, ts=1.0))
    with admin.events(f"task-{task.pk}") as events:
        assert json.loads(events.until("complete")["data"])["state"] == "succeeded"


def test_a_cancel_is_heard_by_the_running_job(admin: Person) -> None:
    task = admin.start(seconds=60, steps=600)
    with admin.events(f"task-{task}") as events:
        events.until("progress")
        until(lambda: Task.objects.get(pk=task).state == State.RUNNING, what="running")
        admin.post(f"/tasks/{task}/cancel/", {})
        end = json.loads(events.until("complete")["data"])
    assert end["state"] == "cancelled"
    assert Task.objects.get(pk=task).state == State.CANCELLED
