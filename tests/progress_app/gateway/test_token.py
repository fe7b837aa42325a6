"""The gateway's door for who has a token: once, for its channels, for its time."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from progress_app.events import State
from tasks_app.models import Task
from tests.factories import TaskFactory
from tests.progress_app.asgi import Browser, aside
from tests.progress_app.gateway.asking import report

pytestmark = pytest.mark.usefixtures("transactional_db", "redis_db")


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
