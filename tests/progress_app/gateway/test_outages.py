"""Redis away, a server that stops, and what is logged of it all."""

import logging
import os
import re
import signal
from collections.abc import Callable

import pytest

from progress_app import tokens
from progress_app.events import State
from tasks_app.models import Task
from tests.progress_app.asgi import Browser, configured
from tests.progress_app.gateway.asking import expect_come_back, report, url

pytestmark = pytest.mark.usefixtures("transactional_db", "redis_db")
LOOPBACK = "redis://127.0.0.1:1/0"  # nobody listens on port 1


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
