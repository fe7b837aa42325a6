"""How many streams a user, a process and the queue before it take."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User

from progress_app.gateway import Gateway
from tasks_app.models import Task
from tests.progress_app.asgi import Answer, Browser, aside, configured, session
from tests.progress_app.gateway.asking import expect_come_back, url

pytestmark = pytest.mark.usefixtures("transactional_db", "redis_db")


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
