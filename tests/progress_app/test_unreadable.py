"""What somebody else left under our keys in Redis: it counts for nothing, and whoever watches other tasks is served."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from redis import Redis

from progress_app.backends.redis import RedisBackend
from progress_app.backends.redis_feed import RedisFeed
from progress_app.channels import log_channel, parse, task_channel
from progress_app.events import Snapshot, State
from progress_app.hub import Hub
from progress_app.listing import Listing
from tests.progress_app.doubles import OTHER_TASK, TASK, redis_backend, snapshot, told, until
from tests.stack import Valkey

STATE, LOG, OTHER_STATE = task_channel(TASK), log_channel(TASK), task_channel(OTHER_TASK)
STATE_KEY, LOG_KEY = f"test:{{{TASK}}}:now", f"test:{{{TASK}}}:log"

Spoil = Callable[[Redis], object]
SPOILED = [
    pytest.param(lambda redis: redis.set(STATE_KEY, b"1 1 progress\n{"), id="no JSON"),
    pytest.param(lambda redis: redis.set(STATE_KEY, b'1 1 progress\n{"task": 7}'), id="another form"),
    pytest.param(lambda redis: redis.set(STATE_KEY, b"\xff"), id="no state"),
    pytest.param(lambda redis: redis.hset(STATE_KEY, "a", "b"), id="a hash"),
    pytest.param(lambda redis: redis.set(LOG_KEY, b"no stream"), id="a log of another type"),
]


@pytest.fixture
def backend(scratch_db: Redis) -> RedisBackend:
    return redis_backend(scratch_db)


@pytest.fixture
async def hub(scratch: Valkey, backend: RedisBackend) -> AsyncIterator[Hub]:
    ended = snapshot(state=State.FAILED, pos=5)

    async def record(task: str) -> Snapshot | None:
        return ended if task == TASK else None

    async def listing(_channel: str) -> Listing:
        return Listing(snapshots=(snapshot(task=OTHER_TASK), snapshot(state=State.QUEUED, attempt=0)))

    hub = Hub(RedisFeed(scratch.url, prefix="test"), record, listings=listing, recheck_s=60, tick_s=0.01)
    hub.start()
    yield hub
    await hub.stop()


async def seen(hub: Hub, *names: str) -> list[tuple[str, object]]:
    mailbox = await hub.open([parse(name) for name in names], {})
    return [(event.event, event.data) for event in told(mailbox.take())]


@pytest.mark.parametrize("spoil", SPOILED)
async def test_the_record_stands_in_and_others_in_the_same_read_are_served(
    hub: Hub, backend: RedisBackend, spoil: Spoil
) -> None:
    backend.publish(snapshot(task=OTHER_TASK, message="well"))
    spoil(backend.client)
    broken, well = await asyncio.gather(seen(hub, STATE, LOG), seen(hub, OTHER_STATE))
    assert [name for name, _ in well] == ["progress"]
    assert [name for name, _ in broken] == ["complete"]


@pytest.mark.parametrize("spoil", SPOILED)
async def test_a_list_shows_the_others(hub: Hub, backend: RedisBackend, spoil: Spoil) -> None:
    spoil(backend.client)
    [(name, data)] = await seen(hub, "tasks")
    assert name == "rows"
    assert len(data["rows"]) == 2  # type: ignore[index]


async def test_a_message_of_somebody_else_does_not_cut_the_subscription(hub: Hub, backend: RedisBackend) -> None:
    backend.publish(snapshot(task=OTHER_TASK))
    mailbox = await hub.open([parse(OTHER_STATE)], {})
    backend.client.publish(f"test:channel:{OTHER_STATE}", b"what is this")
    last = backend.publish(snapshot(task=OTHER_TASK, message="after"))
    await until(lambda: f'"pos":{last.pos}'.encode() in mailbox.take())
    assert not hub.stats.reconnects


async def test_nothing_of_it_is_logged(hub: Hub, backend: RedisBackend, caplog: pytest.LogCaptureFixture) -> None:
    backend.client.set(STATE_KEY, b"1 1 progress\n" + b'{"task": "x", "state": "a secret"}')
    await seen(hub, STATE)
    assert "cannot be read" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("spoil", SPOILED[:4])
def test_of_many_snapshots_only_the_unreadable_one_is_left_out(
    backend: RedisBackend, scratch_db: Redis, spoil: Spoil
) -> None:
    backend.publish(snapshot(task=OTHER_TASK))
    spoil(scratch_db)
    assert backend.read_snapshots([TASK, OTHER_TASK]).keys() == {OTHER_TASK}
