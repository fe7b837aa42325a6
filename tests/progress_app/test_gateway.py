"""The gateway as a server sees it: who gets a stream, and what everybody else is told. With a real Valkey."""

import asyncio
import gc
import json
import logging
import os
import re
import signal
import time
import uuid
from collections.abc import Callable
from functools import partial
from types import CoroutineType
from typing import Any

import pytest
from django.contrib.auth.models import User

from progress_app import connections, tokens
from progress_app.events import LogEntry, Snapshot, State
from progress_app.gateway import Gateway
from tasks_app.models import Task
from tests.factories import TaskFactory
from tests.progress_app.asgi import Answer, Browser, Headers, aside, configured, session

pytestmark = pytest.mark.usefixtures("transactional_db", "redis_db")
LOOPBACK = "redis://127.0.0.1:1/0"  # nobody listens on port 1


@pytest.fixture
def task(owner: User) -> Task:
    return TaskFactory.create(owner=owner, running=True)


@pytest.fixture
def theirs(gateway: Gateway, owner: User) -> Browser:
    """Return the owner's browser."""
    return Browser(gateway, session(owner))


@pytest.fixture
def nobody(gateway: Gateway) -> Browser:
    """Return a browser without a session."""
    return Browser(gateway)


def report(task: Task, state: State = State.RUNNING, *log: str, **values: Any) -> int:
    shown = Snapshot(task=str(task.pk), job=task.job, attempt=1, state=state, ts=time.time(), **values)
    entries = [LogEntry(task=str(task.pk), text=text, ts=1.0) for text in log]
    return connections.backend().publish(shown, entries).pos


def url(*channels: object, **more: str) -> str:
    return "/events/?" + "&".join([f"channel={name}" for name in channels] + [f"{k}={v}" for k, v in more.items()])


# With a session


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


def expect_come_back(answer: Answer) -> None:
    """A stream that ends at once and says that it is worth another try."""
    assert (answer.status, answer.ended, answer.names) == (200, True, ["stream-error"])
    assert answer.events[0].data["retryable"] is True
    assert answer.body.startswith(b"retry: ")


# The inner door


MARKS = [(b"progress_app.authorize", b"1"), (b"progress-app.authorize", b"1"), (b"x-progress-app-authorize", b"true")]


@pytest.mark.parametrize(
    "path",
    ["/events/authorize/", "/events/%61uthorize/", "//events/authorize/", "/events/./authorize/"],
)  # fmt: skip
async def test_nobody_outside_is_authorized_whatever_mark_they_forge(theirs: Browser, task: Task, path: str) -> None:
    query = f"?channel=task-{task.pk}&progress_app.authorize=1"
    answer = await theirs.get(path + query, MARKS)
    assert answer.status == 404
    assert b'"user"' not in answer.body


async def test_a_websocket_is_closed(gateway: Gateway) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await gateway({"type": "websocket", "path": "/events/", "headers": []}, receive, send)
    assert sent == ["websocket.close"]


# Tokens


@pytest.fixture
def token(task: Task) -> Callable[..., str]:
    """Give the address of a stream by token: of the task, or of `channels`."""

    def make(*channels: str, transport: str = "sse") -> str:
        wanted = channels or (f"task-{task.pk}",)
        keep = connections.shelf().keep
        made = tokens.issue(keep, prefix="headway", user=task.owner_id, channels=wanted, ttl_s=60, transport=transport)
        return f"/events/?token={made}"

    return make


async def test_a_token_opens_one_stream(nobody: Browser, task: Task, token: Callable[..., str]) -> None:
    address = token()
    answer = await nobody.get(address)
    assert (answer.status, answer.names[0]) == (200, "stream-open")
    again = await nobody.get(address)
    assert (again.status, again.json["condition"]) == (401, "unauthorized")


async def test_of_clients_that_race_with_one_token_exactly_one_wins(nobody: Browser, token: Callable[..., str]) -> None:
    address = token()
    statuses = [answer.status for answer in await asyncio.gather(*(nobody.get(address) for _ in range(8)))]
    assert sorted(statuses) == [200] + [401] * 7


async def test_an_expired_token_is_401(nobody: Browser, token: Callable[..., str], redis_db: Any) -> None:
    address = token()
    for key in redis_db.scan_iter("headway:token:*"):
        redis_db.expireat(key, 1)
    assert (await nobody.get(address)).status == 401


@pytest.mark.parametrize("value", ["x", "x" * 43, "x" * 10_000, "%00", "%FF%FE", "..%2F..", "*", "%0D%0A", "a&token=b"])
async def test_a_token_that_was_never_given_is_401(theirs: Browser, value: str) -> None:
    assert (await theirs.get(f"/events/?token={value}")).status == 401, "also with a session"


async def test_a_token_opens_its_channels_and_no_other(nobody: Browser, task: Task, token: Callable[..., str]) -> None:
    other = await aside(lambda: TaskFactory.create(owner=task.owner, ended=True))
    async with nobody.watch(token() + f"&channel=task-{other.pk}") as visit:
        report(task, State.SUCCEEDED)
        seen = {event.data.get("task") for event in (await visit.end()).events}
    assert seen == {None, str(task.pk)}


async def test_a_token_for_another_transport_opens_no_stream(nobody: Browser, token: Callable[..., str]) -> None:
    assert (await nobody.get(token(transport="pusher"))).status == 401


# Limits


async def crowd(browser: Browser, address: str, size: int) -> tuple[list[Any], list[Answer]]:
    """Ask so many times at once; gives the open visits and the answers of the others."""
    visits = [browser.visit(address) for _ in range(size)]
    answers = await asyncio.gather(*(visit.begun() for visit in visits))
    is_open = [answer.is_open for answer in answers]
    return (
        [visit for visit, opened in zip(visits, is_open, strict=True) if opened],
        [answer for answer, opened in zip(answers, is_open, strict=True) if not opened],
    )


@configured(PROGRESS_MAX_STREAMS_PER_USER=3)
async def test_a_user_has_so_many_streams_and_no_more_also_when_they_are_opened_at_once(
    theirs: Browser, task: Task
) -> None:
    opened, refused = await crowd(theirs, url(f"task-{task.pk}"), 10)
    assert (len(opened), len(refused)) == (3, 7)
    for answer in refused:
        expect_come_back(answer)
    await opened[0].leave()
    assert (await theirs.get(url(f"task-{task.pk}"))).names[0] == "stream-open"
    for visit in opened[1:]:
        await visit.leave()


@configured(PROGRESS_MAX_STREAMS_PER_USER=1)
async def test_one_user_s_streams_are_not_counted_for_another(
    theirs: Browser, gateway: Gateway, task: Task, staff: User
) -> None:
    other = Browser(gateway, await aside(partial(session, staff)))
    async with theirs.watch(url(f"task-{task.pk}")) as visit:
        await visit.begun()
        assert (await other.get(url(f"task-{task.pk}"))).names[0] == "stream-open"


@configured(PROGRESS_MAX_STREAMS=2)
async def test_a_full_process_takes_no_more_and_leaves_a_token_unspent(
    theirs: Browser, nobody: Browser, task: Task, token: Callable[..., str]
) -> None:
    opened, refused = await crowd(theirs, url(f"task-{task.pk}"), 5)
    assert (len(opened), len(refused)) == (2, 3)
    address = token()
    full = await nobody.get(address)
    assert (full.status, full.headers["retry-after"]) == (503, "5")
    for visit in opened:
        await visit.leave()
    assert (await nobody.get(address)).status == 200


@configured(PROGRESS_AUTHORIZE_THREADS=1, PROGRESS_AUTHORIZE_QUEUE=1)
async def test_a_crowd_beyond_the_queue_is_told_to_come_back(theirs: Browser, task: Task) -> None:
    opened, refused = await crowd(theirs, url(f"task-{task.pk}"), 10)
    assert (len(opened), len(refused)) == (2, 8)
    for answer in refused:
        expect_come_back(answer)
    for visit in opened:
        await visit.leave()


# Faults


@configured(PROGRESS_REDIS_URL=LOOPBACK)
async def test_with_redis_away_a_session_may_come_back(theirs: Browser, task: Task) -> None:
    expect_come_back(await theirs.get(url(f"task-{task.pk}")))


@configured(PROGRESS_REDIS_URL=LOOPBACK, PROGRESS_MAX_STREAMS_PER_USER=1)
async def test_with_redis_away_no_seat_is_lost(theirs: Browser, task: Task, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        expect_come_back(await theirs.get(url(f"task-{task.pk}")))
    assert "streams open" not in caplog.text


@configured(PROGRESS_REDIS_URL=LOOPBACK)
async def test_with_redis_away_a_token_is_503_and_not_logged(nobody: Browser, caplog: pytest.LogCaptureFixture) -> None:
    made = tokens.mint()
    answer = await nobody.get(f"/events/?token={made}")
    assert "A stream was not opened" in caplog.text
    assert made not in caplog.text
    assert (answer.status, answer.headers["retry-after"], answer.json["condition"]) == (503, "5", "unavailable")


@configured(PROGRESS_DRAIN_S=0.2)
async def test_at_sigterm_streams_end_with_a_retry_and_nobody_new_is_taken(
    theirs: Browser, nobody: Browser, task: Task, token: Callable[..., str]
) -> None:
    visit = theirs.visit(url(f"task-{task.pk}"))
    await visit.begun()
    os.kill(os.getpid(), signal.SIGTERM)
    assert (await visit.end()).body.rstrip().rpartition(b"\n")[2].startswith(b"retry: ")
    expect_come_back(await theirs.get(url(f"task-{task.pk}")))
    assert (await nobody.get(token())).status == 503


async def test_a_stream_s_life_is_logged(theirs: Browser, task: Task, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "progress_app")
    log = f"task-{task.pk}.log"
    report(task, State.RUNNING, "one")
    async with theirs.watch(url(f"task-{task.pk}", log)) as visit:
        await visit.event("log")
    async with theirs.watch(url(log, lastEventId=f"{log}:5")) as visit:
        await visit.event("log")
    told = [record.getMessage() for record in caplog.records if record.getMessage().startswith("stream ")]
    owner = f"user {task.owner_id}, channels"
    assert [re.sub(r"duration \d+\.\d s", "duration 0 s", line) for line in told] == [
        f"stream connect: {owner} 2",
        f"stream disconnect: {owner} 2, cause disconnected, duration 0 s, events 2 in 3 writes",
        f"stream resume: {owner} 1",
        next(line for line in told if line.startswith(f"stream reset: {log}: events after 5 are not kept")),
        f"stream disconnect: {owner} 1, cause disconnected, duration 0 s, events 2 in 3 writes",
    ]


async def test_what_is_logged_names_no_token_and_breaks_no_line(
    theirs: Browser, nobody: Browser, task: Task, token: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    address = token()
    for target in (address, address, "/events/?token=%0Aforged", url(f"task-{task.pk}", lastEventId="a%0Ab:1")):
        await nobody.get(target)
        await theirs.get(target)
    for target in ("/tasks/%0Aforged%0D/", "/events/?channel=%0Aforged", "/events/authorize/?%0Aforged"):
        await theirs.get(target, [(b"last-event-id", b"x\x85y"), (b"user-agent", b"a\x85b")])
    lines = [record.getMessage() for record in caplog.records]
    assert any("stream disconnect" in line and "channels 1" in line for line in lines)
    assert not [line for line in lines if address.partition("=")[2] in line]
    assert not [line for line in lines if len(line.splitlines()) > 1]
