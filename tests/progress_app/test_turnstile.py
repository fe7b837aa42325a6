"""Many take single-use values at once, from a real Redis."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis import Redis
from redis import asyncio as redis

from progress_app.exceptions import BackendUnavailable
from progress_app.turnstile import MOST_AT_ONCE, Turnstile
from tests.environment import free_port
from tests.stack import Valkey


@pytest.fixture
async def client(valkey: Valkey, redis_db: Redis) -> AsyncIterator[redis.Redis]:
    pool = redis.BlockingConnectionPool.from_url(valkey.url, max_connections=1, timeout=5)
    async with redis.Redis.from_pool(pool) as client:
        yield client


@pytest.fixture
async def turnstile(client: redis.Redis) -> AsyncIterator[Turnstile]:
    found = Turnstile(client)
    yield found
    await found.close()


async def test_everybody_of_a_crowd_gets_his_own(turnstile: Turnstile, redis_db: Redis) -> None:
    keys = [f"token {number}" for number in range(2 * MOST_AT_ONCE + 1)]
    redis_db.mset({key: key for key in keys})
    taken = await asyncio.gather(*(turnstile.take(key) for key in keys))
    assert taken == [key.encode() for key in keys]
    assert redis_db.exists(*keys) == 0


async def test_a_crowd_costs_few_questions(turnstile: Turnstile, redis_db: Redis) -> None:
    def writes() -> int:
        return int(redis_db.info("stats")["total_reads_processed"])

    before = writes()
    await asyncio.gather(*(turnstile.take(f"token {number}") for number in range(MOST_AT_ONCE)))
    assert writes() - before < MOST_AT_ONCE / 10


async def test_of_two_with_one_token_one_gets_it(turnstile: Turnstile, redis_db: Redis) -> None:
    redis_db.set("token", "grant")
    assert sorted(await asyncio.gather(turnstile.take("token"), turnstile.take("token")), key=bool) == [None, b"grant"]


async def test_who_comes_later_is_served_as_well(turnstile: Turnstile, redis_db: Redis) -> None:
    assert await turnstile.take("token") is None
    redis_db.set("token", "grant")
    assert await turnstile.take("token") == b"grant"


async def test_one_who_goes_away_does_not_disturb_the_others(turnstile: Turnstile, redis_db: Redis) -> None:
    redis_db.mset({"mine": "1", "yours": "2"})
    mine, yours = asyncio.create_task(turnstile.take("mine")), asyncio.create_task(turnstile.take("yours"))
    await asyncio.sleep(0)
    mine.cancel()
    assert await yours == b"2"


async def test_without_redis_everybody_is_told() -> None:
    async with redis.Redis(port=free_port()) as client:
        turnstile = Turnstile(client)
        answers = await asyncio.gather(*(turnstile.take(str(number)) for number in range(3)), return_exceptions=True)
    assert [str(answer) for answer in answers] == ["Redis did not answer (ConnectionError)."] * 3


async def test_who_waits_when_the_server_stops_is_refused(turnstile: Turnstile) -> None:
    waiting = asyncio.create_task(turnstile.take("token"))
    await asyncio.sleep(0)
    await turnstile.close()
    with pytest.raises(BackendUnavailable, match="stops"):
        await waiting
