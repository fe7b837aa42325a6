"""The gateway's door for who has a session: what opens a stream, and what is answered instead."""

import gc
import json
import uuid
from functools import partial
from types import CoroutineType
from typing import Any

import pytest
from django.contrib.auth.models import User

from progress_app.events import State
from progress_app.gateway import Gateway
from tasks_app.models import Task
from tests.progress_app.asgi import Browser, Headers, aside, configured, session
from tests.progress_app.gateway.asking import expect_come_back, report, url

pytestmark = pytest.mark.usefixtures("transactional_db", "redis_db")


async def test_a_stream_opens_shows_the_present_state_and_follows_it_to_the_end(theirs: Browser, task: Task) -> None:
    report(task, percent=42.0)
    visit = theirs.visit(url(f"task-{task.pk}"))
    opened = await visit.event("progress")
    assert (opened.names, opened.events[1].data["percent"]) == (["stream-open", "progress"], 42.0)
    report(task, State.SUCCEEDED, percent=100.0)
    assert (await visit.end()).names[-1] == "complete"
    assert opened.headers["cache-control"] == "no-cache, no-transform"


async def test_what_opened_a_stream_has_ended_while_it_runs(theirs: Browser, task: Task) -> None:
    report(task)
    async with theirs.watch(url(f"task-{task.pk}")) as visit:
        await visit.event("progress")
        names = {each.__qualname__ for each in gc.get_objects() if type(each) is CoroutineType}
    at_work = {name for name in names if name.startswith(("Gateway.", "Stream.", "Subscriber."))}
    assert at_work - {"Gateway._lifespan"} == {"Gateway.__call__", "Stream.run", "Stream._watch"}, (
        "each coroutine takes 0.3 KiB of a stream"
    )


async def test_without_a_session_401(nobody: Browser, task: Task) -> None:
    answer = await nobody.get(url(f"task-{task.pk}"))
    assert (answer.status, answer.json["condition"]) == (401, "unauthorized")
    forged = [(b"cookie", b"sessionid=" + b"x" * 32)]
    assert (await nobody.get(url("tasks"), forged)).status == 401


async def test_a_channel_of_somebody_else_and_one_that_does_not_exist_look_the_same(
    gateway: Gateway, stranger: User, colleague: User, task: Task
) -> None:
    for person in (stranger, colleague):
        browser = Browser(gateway, await aside(partial(session, person)))
        foreign = [f"task-{task.pk}", f"task-{task.pk}.log", f"user-{task.owner_id}", f"user-{task.owner_id}.tasks"]
        unknown = [f"task-{uuid.uuid4()}", "user-999999", "nonsense", "tasks", "ops"]
        answers = [await browser.get(url(channel)) for channel in foreign + unknown]
        told = [json.loads(answer.body) for answer in answers]
        assert [refused.pop("channels") for refused in told] == [[channel] for channel in foreign + unknown]
        assert [(answer.status, refused) for answer, refused in zip(answers, told, strict=True)] == [
            (403, told[0])
        ] * len(told)


async def test_one_foreign_channel_among_own_ones_opens_nothing(theirs: Browser, task: Task) -> None:
    assert (await theirs.get(url(f"task-{task.pk}", f"task-{uuid.uuid4()}"))).status == 403


@pytest.mark.parametrize(
    "query",
    ["", "channel=", "channel=a%20b", "channel=a%0Ab", "channel=a%00b", "channel=a%E2%80%A8b", "channel=%FF%FE b",
     "channel=" + "x" * 10_000, "&".join(["channel=tasks"] * 51), "&".join(["channel=tasks"] * 2_000)],
    ids=lambda query: query[:20],
)  # fmt: skip
async def test_what_cannot_be_meant_is_400(theirs: Browser, query: str) -> None:
    answer = await theirs.get(f"/events/?{query}")
    assert (answer.status, answer.ended) == (400, True)
    assert len(answer.body) < 2_000, "it does not give back all that was sent"


@pytest.mark.parametrize(
    "headers",
    [
        [(b"host", b"a/b"), (b"host", b"evil")],
        [(b"content-type", b"a/b; charset*=nonsense''x")],
        [(b"content-type", b"a/b; charset=\xff")],
        [(b"cookie", b"sessionid=" + b'"\\000\\012"')],
        [(b"content-length", b"-1"), (b"transfer-encoding", b"x")],
    ],
    ids=str,
)
async def test_headers_that_cannot_be_read_are_400_or_ignored(theirs: Browser, task: Task, headers: Headers) -> None:
    assert (await theirs.get(url(f"task-{task.pk}"), headers)).status in (200, 400, 401)
    assert (await theirs.get(b"/events/?channel=\xff\xfe")).status == 400


async def test_who_was_deactivated_or_logged_out_does_not_come_back(theirs: Browser, task: Task, owner: User) -> None:
    assert (await theirs.get(url(f"task-{task.pk}"))).status == 200
    owner.is_active = False
    await aside(owner.save)
    assert (await theirs.get(url(f"task-{task.pk}"))).status == 401


async def test_who_has_seen_the_end_gets_204(theirs: Browser, task: Task) -> None:
    channels = (f"task-{task.pk}", f"task-{task.pk}.log")
    report(task, State.FAILED, "a line")
    seen = (await theirs.visit(url(*channels)).end()).events[-1].id
    assert seen is not None
    assert (await theirs.get(url(*channels), [(b"last-event-id", seen.encode())])).status == 204
    assert (await theirs.get(url(*channels, lastEventId=seen))).status == 204
    assert (await theirs.get(url(*channels, f"user-{task.owner_id}", lastEventId=seen))).status == 200


async def test_the_header_says_more_than_the_query(theirs: Browser, task: Task) -> None:
    report(task, State.FAILED)
    seen = (await theirs.visit(url(f"task-{task.pk}")).end()).events[-1].id
    header = [(b"last-event-id", b"nothing:1")]
    assert (await theirs.get(url(f"task-{task.pk}", lastEventId=str(seen)), header)).status == 200


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "get"])
async def test_only_get_opens_a_stream(theirs: Browser, task: Task, method: str) -> None:
    answer = await theirs.visit(url(f"task-{task.pk}"), method=method).end()
    assert (answer.status, answer.headers["allow"]) == (405, "GET")


@configured(SESSION_SAVE_EVERY_REQUEST=True)
async def test_a_renewed_session_reaches_the_browser(theirs: Browser, task: Task) -> None:
    answer = await theirs.get(url(f"task-{task.pk}"))
    assert any(cookie.startswith("sessionid=") for cookie in answer.cookies)


def broken(_user: Any, _channel: str) -> bool:
    raise RuntimeError("the project's own function is broken")


@configured(PROGRESS_MAY_READ=f"{__name__}.broken")
async def test_a_fault_of_django_lets_the_browser_come_back(theirs: Browser, task: Task) -> None:
    expect_come_back(await theirs.get(url(f"task-{task.pk}")))
