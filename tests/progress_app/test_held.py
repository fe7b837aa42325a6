"""Streams that a GRIP proxy holds: whose signature is one, and what the proxy is told. With a real Valkey."""

import json
import time
from typing import Any

import jwt
import pytest
from django.contrib.auth.models import User

from progress_app import connections
from progress_app.events import LogEntry, Snapshot, State
from progress_app.gateway import Gateway
from progress_app.held import may_be_held
from tasks_app.models import Task
from tests.factories import TaskFactory
from tests.progress_app.asgi import Browser, Headers, aside, configured, session

pytestmark = pytest.mark.usefixtures("transactional_db", "redis_db")
KEY = "the-key-of-the-proxy-" + "x" * 20
behind_a_proxy = configured(PROGRESS_GRIP_URL=f"http://127.0.0.1:1?iss=pushpin&key={KEY}")


@pytest.fixture
def task(owner: User) -> Task:
    task = TaskFactory.create(owner=owner, running=True)
    shown = Snapshot(task=str(task.pk), job=task.job, attempt=1, state=State.RUNNING, ts=time.time(), percent=42.0)
    connections.backend().publish(shown, [LogEntry(task=str(task.pk), text="50 % of it", ts=1.0)])
    return task


@pytest.fixture
def theirs(gateway: Gateway, owner: User) -> Browser:
    """Return the owner's browser."""
    return Browser(gateway, session(owner))


@pytest.fixture
def strangers(gateway: Gateway, stranger: User) -> Browser:
    return Browser(gateway, session(stranger))


def signed(key: str = KEY, **claims: Any) -> Headers:
    claims = {"iss": "pushpin", "exp": int(time.time()) + 600} | claims
    return [(b"grip-sig", jwt.encode(claims, key, algorithm="HS256").encode())]


def url(*names: str, **more: str) -> str:
    return "/events/?" + "&".join([f"channel={name}" for name in names] + [f"{k}={v}" for k, v in more.items()])


FORGED = {
    "of another key": signed("another-key-" + "x" * 30),
    "that has expired": signed(exp=1),
    "that never expires": signed(exp=None),
    "that is none": [(b"grip-sig", b"forged")],
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
@behind_a_proxy
async def test_a_forged_signature_makes_an_ordinary_request(task: Task, theirs: Browser, forged: Headers) -> None:
    async with theirs.watch(url(f"task-{task.pk}"), forged) as visit:
        answer = await visit.until(lambda answer: b"42.0" in answer.body)
    assert not [name for name in answer.headers if name.lower().startswith("grip")]


async def test_where_no_proxy_is_configured_every_signature_is_forged(task: Task, theirs: Browser) -> None:
    answer = await theirs.get(url(f"task-{task.pk}"), signed("any-key-" + "x" * 30))
    assert answer.is_open
    assert not [name for name in answer.headers if name.lower().startswith("grip")]


@behind_a_proxy
async def test_a_verified_request_is_answered_with_what_is_stored_and_what_to_hold(task: Task, theirs: Browser) -> None:
    names = (f"task-{task.pk}", f"task-{task.pk}.log")
    answer = await theirs.get(url(*names), signed())
    assert (answer.status, answer.headers["Grip-Hold"]) == (200, "stream")
    state, log = (f"events-{name}; " for name in names)
    assert f"{state}filter" in answer.headers["Grip-Channel"]
    assert f"{log}prev-id" in answer.headers["Grip-Channel"]
    assert b"event: progress\n" in answer.body
    assert b"50 %% of it" in answer.body


@behind_a_proxy
async def test_the_proxy_gets_nothing_for_who_may_not_read(task: Task, gateway: Gateway, strangers: Browser) -> None:
    asked = url(f"task-{task.pk}")
    assert (await Browser(gateway).get(asked, signed())).status == 401
    refused = await strangers.get(asked, signed())
    assert (refused.status, json.loads(refused.body)["condition"]) == (403, "forbidden")


@pytest.mark.parametrize("renewal", ["garbage", jwt.encode({"exp": 9e9, "channels": ["x"]}, "k" * 40)])
@behind_a_proxy
async def test_a_renewal_that_is_not_ours_is_refused(theirs: Browser, renewal: str) -> None:
    answer = await theirs.get(f"/events/?es-meta={renewal}&recover=true", signed())
    assert answer.status == 400


@behind_a_proxy
async def test_a_permission_that_was_taken_away_is_seen_at_the_next_renewal(
    task: Task, owner: User, gateway: Gateway, theirs: Browser
) -> None:
    opened = await theirs.get(url(f"task-{task.pk}"), signed())
    again = opened.headers["Grip-Link"].partition(">")[0][1:]
    renewed = await Browser(gateway).get(again, signed())
    assert b"event: progress" in renewed.body
    assert b"stream-error" not in renewed.body
    await aside(lambda: User.objects.filter(pk=owner.pk).update(is_active=False))
    assert b"stream-error" in (await Browser(gateway).get(again, signed())).body


def test_rows_tokens_and_many_channels_get_an_ordinary_stream() -> None:
    assert may_be_held(b"channel=news&channel=user-1")
    assert not may_be_held(b"channel=tasks")
    assert not may_be_held(b"channel=ops&channel=news")
    assert not may_be_held(b"token=abc")
    assert not may_be_held(b"&".join(b"channel=c%d" % n for n in range(11)))
