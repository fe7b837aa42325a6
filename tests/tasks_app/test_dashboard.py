"""The page of operations: its figures, its links, and what it costs."""

import json
import re
import time
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from progress_app import conf, connections
from progress_app.events import FINAL, Snapshot, State
from tasks_app import chart, dashboard
from tasks_app.models import Task
from tasks_app.search import ALL, chosen
from tasks_app.terms import terms
from tests.factories import TaskFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "redis_db")]
SCRIPT = "<img src=x onerror=alert(1)>"


def ended(ago: timedelta = timedelta(), *, waited_s: float = 2, ran_s: float = 10, **fields: Any) -> Task:
    end = timezone.now() - ago
    start = end - timedelta(seconds=ran_s)
    times = {"created_at": start - timedelta(seconds=waited_s), "started_at": start, "finished_at": end}
    return TaskFactory.create(**({"state": State.SUCCEEDED, "attempt": 1} | times | fields))


def failed(ago: timedelta, code: str = "bad_row", **fields: Any) -> Task:
    return ended(ago, **({"state": State.FAILED, "error_code": code} | fields))


@pytest.fixture
def page(client: Client, staff: User) -> Client:
    client.force_login(staff)
    return client


def test_what_ended_stands_in_its_hour() -> None:
    ended()
    failed(timedelta())
    ended(timedelta(hours=3), state=State.LOST)
    ended(timedelta(hours=25))
    hours = dashboard.throughput()
    assert len(hours) == dashboard.HOURS
    assert [(hour.ago, hour.ended, hour.bad, hour.lost) for hour in hours if hour.ended] == [(3, 1, 1, 1), (0, 2, 1, 0)]


def test_the_percentiles_are_times_that_were_seen() -> None:
    for seconds in range(1, 101):
        ended(waited_s=seconds / 10, ran_s=seconds)
    waited, ran = dashboard.paces()
    assert (ran.whole.p50, ran.whole.p95) == pytest.approx((50, 95))
    assert (waited.whole.p50, waited.whole.p95) == pytest.approx((5, 9.5))
    assert ran.hours[-1] == ran.whole


def test_times_are_taken_of_the_newest_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard, "MOST_TIMED", 2)
    for ran_s in (1, 1):
        ended(ran_s=ran_s)
    ended(timedelta(minutes=5), ran_s=1_000)
    assert dashboard.paces()[1].whole.p95 == pytest.approx(1)


def test_the_first_paint_has_the_web_processes_and_a_late_one_in_colour(page: Client) -> None:
    backend, told = connections.backend(), {"streams": 3, "channels": 5, "ts": time.time()}
    for name, lag_ms, ago_s in (("web:1", 12.5, 0), ("web:2", 2_500.0, 0), ("web:3", 1.0, 60)):
        value = json.dumps(told | {"name": name, "lag_ms": lag_ms, "ts": time.time() - ago_s})
        backend.client.hset(f"{conf.get().key_prefix}:processes", name, value)
    shown = page.get("/ops/").content.decode()
    assert ("web:1" in shown, "web:2" in shown, "web:3" in shown) == (True, True, False)
    assert shown.count('<tr data-state="failed">') == 1
    assert [each["name"] for each in page.get("/ops/now/").json()["processes"]] == ["web:1", "web:2"]


def test_the_page_is_shown_while_redis_is_away(page: Client, settings: Any) -> None:
    settings.PROGRESS_REDIS_URL = "redis://127.0.0.1:1/0"
    assert "No web process has told of itself" in page.get("/ops/").content.decode()


def test_a_task_whose_worker_is_silent_is_stalled() -> None:
    TaskFactory.create(running=True)
    silent = TaskFactory.create(overdue=True)
    TaskFactory.create()
    assert dashboard.stalled() == [silent]
    assert dashboard.present() == dashboard.UnderWay(waiting=1, running=2, stalled=1)


def told(stalled_s: float | None, attempt: int = 1) -> str:
    noted = Snapshot(task=str(uuid4()), attempt=attempt, state=State.RUNNING, ts=time.time() - 5, stalled_s=stalled_s)
    return noted.to_json().decode()


def test_a_job_that_makes_no_step_is_shown_while_its_worker_is_alive() -> None:
    still = TaskFactory.create(running=True, snapshot=told(60.0))
    for snapshot in (told(None), told(60.0, attempt=0), ""):
        TaskFactory.create(running=True, snapshot=snapshot)
    TaskFactory.create(overdue=True, snapshot=told(60.0))
    TaskFactory.create(ended=True, snapshot=told(60.0))
    [found] = dashboard.motionless()
    assert found.task == still
    assert found.silent_s == pytest.approx(65, abs=3)


def test_the_page_of_operations_names_a_job_that_makes_no_step(page: Client) -> None:
    still = TaskFactory.create(running=True, snapshot=told(60.0))
    shown = page.get("/ops/").content.decode()
    assert "the job makes no step" in shown
    assert f"/tasks/{still.pk}/" in shown


def test_the_tasks_own_page_says_it_without_a_script_too(page: Client) -> None:
    still = TaskFactory.create(running=True, snapshot=told(60.0))
    assert "no step for" in page.get(still.get_absolute_url()).content.decode()


def test_bars_stay_in_their_picture() -> None:
    ended()
    failed(timedelta(hours=1))
    for bar in chart.ended(dashboard.throughput()).bars:
        assert 0 <= bar.y <= bar.part_y <= chart.HEIGHT
        assert bar.y + bar.height == bar.part_y + bar.part_height == chart.HEIGHT


def test_an_empty_site_is_quiet(page: Client) -> None:
    shown = page.get("/ops/").content.decode()
    assert "Nothing waits." in shown
    assert "data-state=" not in shown
    assert 'data-tone="bad"' not in shown


def test_the_page_costs_the_same_whatever_there_is(
    page: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(11):  # two of them are the session and its user
        page.get("/ops/")
    for number in range(5):
        failed(timedelta(hours=number), code=f"code{number}", job=f"job{number}")
        TaskFactory.create(overdue=True, worker=f"worker{number}")
        TaskFactory.create(queue=f"queue{number}")
    with django_assert_num_queries(11):
        page.get("/ops/")


def test_names_of_jobs_errors_and_workers_are_text(page: Client) -> None:
    failed(timedelta(), code=SCRIPT, job=SCRIPT)
    TaskFactory.create(overdue=True, job=SCRIPT, worker=SCRIPT, queue=SCRIPT)
    TaskFactory.create(queue=SCRIPT)
    shown = page.get("/ops/").content.decode()
    assert "<img" not in shown
    assert shown.count("&lt;img src=x") >= 5


def test_staff_find_it_in_the_menu_and_nobody_else(page: Client, owner: User) -> None:
    assert 'href="/ops/"' in page.get("/").content.decode()
    page.force_login(owner)
    assert 'href="/ops/"' not in page.get("/").content.decode()


@pytest.mark.parametrize(("text", "found"), [("ended:1h", 1), ("ended:2d", 2), ("ended:soon", 0), ("ended:99999h", 0)])
def test_a_search_takes_a_span_of_ends(staff: User, text: str, found: int) -> None:
    ended()
    ended(timedelta(hours=30))
    assert chosen(staff, terms([text]), ALL).count() == found


def test_each_number_of_the_present_and_the_last_day_leads_to_its_tasks(page: Client, staff: User) -> None:
    now = timezone.now()
    states = {State.QUEUED: 1, State.RUNNING: 2, State.FAILED: 3, State.LOST: 4}
    for state, number in states.items():
        ended = {"finished_at": now} if state in FINAL else {}
        TaskFactory.create_batch(number, owner=staff, state=state, **ended)
    shown = page.get("/ops/").content.decode()
    signs = shown[shown.index('id="ops-signs"') : shown.index("</dl>")]
    links = [(unescape(address), int(number)) for address, number in re.findall(r'<a href="([^"]*)">(\d+)</a>', signs)]
    assert [number for _, number in links] == [1, 2, 7, 3, 4]
    for address, number in links:
        assert len(page.get(address).context["page_obj"].object_list) == number, address
    assert "Failed or lost in" not in signs
