"""Snapshots for those that poll, answered by the gateway before Django."""

import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.backends.utils import CursorWrapper

from progress_app import connections
from progress_app.events import Eta, Place, Snapshot, State
from progress_app.gateway import Gateway
from progress_app.kick import kick
from progress_app.polling import matches, retry_after_s
from tasks_app.models import Task
from tests.factories import TaskFactory
from tests.progress_app.asgi import Answer, Browser, aside, configured, session
from tests.progress_app.doubles import snapshot, until

NOW_S = 1_000.0


def now(**changes: Any) -> Snapshot:
    return snapshot(ts=NOW_S, **changes)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (now(), 1),
        (now(eta=Eta(low=5.0, high=9.0)), 1),
        (now(eta=Eta(low=30.0, high=90.0)), 3),
        (now(eta=Eta(low=3_600.0, high=7_200.0)), 5),
        (now(state=State.QUEUED), 5),
        (now(state=State.QUEUED, queue=Place(position=1, starts_in_s=3.0)), 2),
        (now(state=State.QUEUED, queue=Place(position=90, starts_in_s=900.0)), 15),
        (snapshot(ts=NOW_S - 6), 5),
        (now(state=State.SUCCEEDED), None),
    ],
)
def test_one_asks_again_soon_near_the_end_and_later_while_little_happens(shown: Snapshot, expected: int | None) -> None:
    assert retry_after_s(shown, NOW_S) == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ('"1-running"', True),
        ('W/"1-running"', True),
        ('"x", "1-running"', True),
        ("*", True),
        ('"2"', False),
        ("", False),
    ],
)
def test_a_state_is_matched_as_http_says(asked: str, expected: bool) -> None:
    assert matches('"1-running"', asked) is expected


# By the gateway

pytest_mark = pytest.mark.usefixtures("transactional_db", "redis_db")


@pytest.fixture
def task(owner: User) -> Task:
    return TaskFactory.create(owner=owner, running=True)


def report(task: Task, *, state: State = State.RUNNING, **values: Any) -> int:
    shown = Snapshot(task=str(task.pk), job=task.job, attempt=1, state=state, ts=time.time(), **values)
    return connections.backend().publish(shown).pos


async def poll(browser: Browser, task: Task, etag: str = "") -> Answer:
    headers = [(b"if-none-match", etag.encode())] if etag else []
    return await browser.get(f"/tasks/{task.pk}/snapshot/", headers)


@pytest.fixture
def theirs(gateway: Gateway, owner: User) -> Browser:
    return Browser(gateway, session(owner))


async def test_the_snapshot_comes_with_what_a_poller_needs(theirs: Browser, task: Task) -> None:
    pos = report(task, percent=42.0)
    answer = await poll(theirs, task)
    assert (answer.status, answer.json["percent"], answer.json["pos"]) == (200, 42.0, pos)
    assert answer.headers["etag"] == f'"{pos}-running-0"'
    assert (answer.headers["retry-after"], answer.headers["cache-control"]) == ("1", "private, no-cache")


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note what is asked of the database from now on, over any connection of any thread."""
    asked: list[str] = []
    execute = CursorWrapper.execute

    def noted(self: CursorWrapper, sql: str, params: Any = None) -> Any:
        asked.append(sql)
        return execute(self, sql, params)

    monkeypatch.setattr(CursorWrapper, "execute", noted)
    return asked


@pytest.mark.parametrize("ended", [False, True])
async def test_the_same_state_is_304_without_the_database(
    theirs: Browser, task: Task, queries: list[str], monkeypatch: pytest.MonkeyPatch, *, ended: bool
) -> None:
    monkeypatch.setattr("progress_app.polling.RECENT_S", 0.0)  # each answer is read anew
    report(task, state=State.SUCCEEDED if ended else State.RUNNING)
    etag = (await poll(theirs, task)).headers["etag"]
    assert queries  # who may see it
    queries.clear()
    for _ in range(3):
        answer = await poll(theirs, task, etag)
        assert (answer.status, answer.body) == (304, b"")
    assert queries == []


async def test_who_may_not_see_it_gets_404_and_so_does_a_task_that_is_not(
    gateway: Gateway, task: Task, stranger: User
) -> None:
    report(task)
    theirs = Browser(gateway, await aside(lambda: session(stranger)))
    other = await theirs.get("/tasks/6f0c1111-2222-3333-4444-555566667777/snapshot/")
    for _ in range(2):
        answer = await poll(theirs, task)
        assert (answer.status, answer.body) == (404, other.body)
    assert (await poll(Browser(gateway), task)).status == 404


async def test_a_task_that_redis_does_not_know_is_shown_from_the_record(theirs: Browser, task: Task) -> None:
    assert (await poll(theirs, task)).json["state"] == "running"


async def test_a_kick_ends_what_was_remembered(theirs: Browser, task: Task, owner: User) -> None:
    report(task)
    assert (await poll(theirs, task)).status == 200
    owner.is_active = False
    await aside(owner.save)

    async def refused() -> bool:
        return (await poll(theirs, task)).status == 404

    for _ in range(200):
        if await refused():
            return
        await until(lambda: True)
    raise AssertionError("the permission was not forgotten")


@configured(PROGRESS_CORS_ORIGINS="https://app.example.org")
async def test_a_named_origin_may_read(theirs: Browser, task: Task) -> None:
    report(task)
    answer = await theirs.get(f"/tasks/{task.pk}/snapshot/", [(b"origin", b"https://app.example.org")])
    assert answer.headers["access-control-allow-origin"] == "https://app.example.org"


def test_a_kick_while_redis_is_away_is_no_fault(settings: Any) -> None:
    settings.PROGRESS_REDIS_URL = "redis://127.0.0.1:1/0"
    kick([1])
