"""The synchronous question to Django: its answers, its bounds, and what it leaves behind."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import signals
from django.db import connection

from progress_app.authorizer import MARK, RETRY_AFTER_S, Authorizer
from progress_app.events import Snapshot
from progress_app.exceptions import Overloaded, UsageError
from progress_app.tokens import Grant
from tasks_app.models import Task
from tests.factories import TaskFactory
from tests.progress_app.asgi import Headers, http_scope, session
from tests.progress_app.doubles import TASK, snapshot, until

pytestmark = pytest.mark.usefixtures("transactional_db", "static_files")


@pytest.fixture
async def authorizer() -> AsyncIterator[Authorizer]:
    """Return one with a single thread and two places before it."""
    one = Authorizer(threads=1, queue=2)
    yield one
    one.close()


@pytest.fixture
def task(owner: User) -> Task:
    return TaskFactory.create(owner=owner)


@pytest.fixture
def theirs(owner: User) -> Headers:
    return session(owner)


def asked(*channels: object, headers: Headers = ()) -> dict[str, Any]:
    return http_scope(("/events/?" + "&".join(f"channel={name}" for name in channels)).encode(), headers)


async def test_a_user_is_granted_what_they_may_read(
    authorizer: Authorizer, theirs: Headers, task: Task, owner: User
) -> None:
    channels = (f"task-{task.pk}", f"task-{task.pk}.log", f"user-{owner.pk}")
    verdict = await authorizer.authorize(asked(*channels, headers=theirs))
    assert (verdict.status, verdict.grant) == (200, Grant(user=str(owner.pk), channels=channels))


@pytest.mark.parametrize(("channel", "status"), [("tasks", 403), ("a%20b", 400), (f"task-{TASK}", 403)])
async def test_a_refusal_is_djangos_answer_and_grants_nothing(
    authorizer: Authorizer, theirs: Headers, channel: str, status: int
) -> None:
    verdict = await authorizer.authorize(asked(channel, headers=theirs))
    assert (verdict.status, verdict.grant) == (status, None)
    assert dict(verdict.headers)[b"content-type"] == b"application/json"
    assert b"condition" in verdict.body


async def test_nobody_is_401_and_gets_no_cookie(authorizer: Authorizer) -> None:
    verdict = await authorizer.authorize(asked("tasks"))
    assert (verdict.status, verdict.cookies) == (401, [])


async def test_a_renewed_session_comes_back_as_a_cookie(
    authorizer: Authorizer, theirs: Headers, task: Task, settings: Any
) -> None:
    settings.SESSION_SAVE_EVERY_REQUEST = True
    [(name, value)] = (await authorizer.authorize(asked(f"task-{task.pk}", headers=theirs))).cookies
    assert name == b"set-cookie"
    assert value.startswith(b"sessionid=")
    assert b"HttpOnly" in value


async def test_the_request_s_own_scope_stays_unmarked(authorizer: Authorizer, theirs: Headers, task: Task) -> None:
    scope = asked(f"task-{task.pk}", headers=theirs)
    before = dict(scope)
    await authorizer.authorize(scope)
    assert scope == before
    assert MARK not in scope


@pytest.mark.parametrize(
    "scope",
    [
        http_scope(b"/events/?channel=\xff"),
        http_scope(b"/events/", [(b"content-type", b"a/b; charset*=nonsense''x")]),
    ],
)
async def test_a_request_that_cannot_be_read_is_a_usage_error(authorizer: Authorizer, scope: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        await authorizer.authorize(scope)


async def test_a_thread_keeps_its_connection_to_the_database_and_no_other_stays_behind(
    authorizer: Authorizer, theirs: Headers, task: Task
) -> None:
    seen = set()
    for _ in range(20):
        assert (await authorizer.authorize(asked(f"task-{task.pk}", headers=theirs))).status == 200
        assert await authorizer.recorded(record_from_database, str(task.pk)) is not None
        seen.add(await authorizer._run(lambda: (threading.get_ident(), id(connection.connection))))
    pooled = bool(connection.settings_dict["OPTIONS"].get("pool"))
    assert pooled or len(seen) == len({thread for thread, _ in seen})


def record_from_database(task: str) -> Snapshot:
    return snapshot(task=str(Task.objects.get(pk=task).pk))


async def test_each_question_begins_and_ends_as_a_request_of_django(
    authorizer: Authorizer, theirs: Headers, task: Task
) -> None:
    heard: list[str] = []

    def began(**_: Any) -> None:
        heard.append("began")

    def ended(**_: Any) -> None:
        heard.append("ended")

    signals.request_started.connect(began)
    signals.request_finished.connect(ended)
    try:
        for channel in (f"task-{task.pk}", "tasks"):
            await authorizer.authorize(asked(channel, headers=theirs))
    finally:
        signals.request_started.disconnect(began)
        signals.request_finished.disconnect(ended)
    assert heard == ["began", "ended"] * 2


# Bounds


class Gate:
    """A question that is answered when the test says so."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.entered = 0

    def __call__(self) -> None:
        self.entered += 1
        assert self.opened.wait(20)


@pytest.fixture
async def crowd(authorizer: Authorizer) -> AsyncIterator[Callable[[int], Any]]:
    """Fill so many places with questions that wait; they are answered when the test is over."""
    gate, waiting = Gate(), list[asyncio.Task[None]]()

    async def come(count: int) -> None:
        waiting.extend(asyncio.create_task(authorizer._run(gate)) for _ in range(count))
        await until(lambda: gate.entered)

    yield come
    gate.opened.set()
    await asyncio.gather(*waiting)


async def test_a_crowd_beyond_threads_and_queue_is_told_to_come_later(
    authorizer: Authorizer, crowd: Callable[[int], Any]
) -> None:
    await crowd(3)
    with pytest.raises(Overloaded, match="3 requests wait") as refused:
        await authorizer.authorize(asked("tasks"))
    assert refused.value.retry_after_s == RETRY_AFTER_S
    assert await authorizer.recorded(lambda _: snapshot(), TASK) is None, "a record can wait"


async def test_a_place_is_free_again_after_an_answer_and_after_a_fault(authorizer: Authorizer) -> None:
    def fail() -> None:
        raise RuntimeError("a fault of the project")

    for _ in range(10):
        with pytest.raises(RuntimeError):
            await authorizer._run(fail)
    assert await authorizer._run(lambda: 7) == 7


# The record


async def test_the_record_of_a_task(authorizer: Authorizer) -> None:
    assert await authorizer.recorded(lambda task: snapshot(task=task), TASK) == snapshot()
    assert await authorizer.recorded(lambda _: None, TASK) is None


async def test_a_record_that_cannot_be_had_is_none_and_logged(
    authorizer: Authorizer, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_task: str) -> Snapshot | None:
        raise RuntimeError("the project's function is broken")

    with caplog.at_level(logging.ERROR, "progress_app.authorizer"):
        assert await authorizer.recorded(broken, TASK) is None
    assert f"The record of task {TASK} could not be read." in caplog.text
