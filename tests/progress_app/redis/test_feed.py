"""The feed's connections to Redis: few, made anew after a loss or a silence, kept otherwise."""

import asyncio
import signal

import pytest
from redis import Redis

from progress_app.backends import redis_feed
from progress_app.backends.redis import RedisBackend
from progress_app.exceptions import BackendUnavailable
from tests.progress_app.doubles import WITHIN_S, entry, listening, redis_backend, snapshot, until
from tests.progress_app.redis.calls import LOG, STATE, feed_of
from tests.stack import Valkey


async def test_the_feed_of_one_project_hears_nothing_of_another(scratch: Valkey, backend: RedisBackend) -> None:
    other = redis_backend(backend.client, prefix="other")
    async with listening(feed_of(scratch), STATE) as (feed, listener):
        other.publish(snapshot(message="theirs"))
        pos = backend.publish(snapshot(message="ours")).pos
        await until(lambda: listener.entries)
        assert [told.pos for told in listener.entries] == [pos]
        assert set(await feed.read_states([STATE])) == {STATE}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_feed, "BACKOFF_FIRST_S", 0.001)
    monkeypatch.setattr(redis_feed, "BACKOFF_MOST_S", 0.05)
    monkeypatch.setattr(redis_feed, "PING_EVERY_S", 0.02)


async def test_a_crowd_that_reads_at_once_is_answered_over_a_few_connections(
    scratch: Valkey, scratch_db: Redis, backend: RedisBackend
) -> None:
    backend.publish(snapshot(), [entry()])
    feed = feed_of(scratch)
    before = scratch_db.info("stats")["total_connections_received"]
    found = await asyncio.gather(*(feed.replay(LOG, None, 10) for _ in range(500)))
    assert [len(each) for each in found] == [1] * 500
    assert scratch_db.info("stats")["total_connections_received"] - before <= redis_feed.MOST_READERS
    await feed.close()


async def test_more_channels_than_one_command_names_are_all_followed(
    scratch: Valkey, backend: RedisBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_feed, "BATCH", 4)
    channels = [f"user-{number}" for number in range(11)]
    async with listening(feed_of(scratch), *channels) as (feed, listener):
        given = {channel: backend.append(channel, "n", b"{}") for channel in channels}
        await until(lambda: len(listener.entries) == 11)
        assert {told.channel: told.pos for told in listener.entries} == given
        assert await feed.positions(channels) == given


async def test_a_redis_that_was_away_and_lost_its_data_is_followed_again(
    impatient: None, scratch: Valkey, scratch_db: Redis, backend: RedisBackend, caplog: pytest.LogCaptureFixture
) -> None:
    before = backend.publish(snapshot()).pos
    async with listening(feed_of(scratch), STATE) as (feed, listener):
        await asyncio.to_thread(scratch.stop)
        await until(lambda: listener.interruptions >= 3)
        with pytest.raises(BackendUnavailable):
            await feed.read_states([STATE])
        listener.resumptions.clear()
        await asyncio.to_thread(scratch.start)
        await until(lambda: listener.follows(STATE))
        await asyncio.to_thread(scratch_db.flushall)
        assert await feed.read_states([STATE]) == {}
        await until(lambda: int(scratch_db.time()[0]) > before >> 20)
        # A subscription taken while the server still loads is refused a moment later, and the next one follows: what is
        # published in between is read by whoever is told of the resumption.
        published = [before]

        def is_told() -> bool:
            if not listener.entries:
                published.append(backend.publish(snapshot()).pos)
            return bool(listener.entries)

        await until(is_told)
    assert before < listener.entries[0].pos <= published[-1]
    assert listener.causes[:3] == ["closed", "away", "away"]
    assert "trying again" in caplog.text


async def test_a_connection_that_went_silent_is_cut_and_made_anew(
    impatient: None,
    scratch: Valkey,
    backend: RedisBackend,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with listening(feed_of(scratch), STATE) as (_, listener):
        scratch.service.send(signal.SIGSTOP)
        try:
            monkeypatch.setattr(redis_feed, "SILENT_AFTER_S", 0.1)
            await until(lambda: listener.interruptions)
            monkeypatch.setattr(redis_feed, "SILENT_AFTER_S", WITHIN_S)
            listener.resumptions.clear()
        finally:
            scratch.service.send(signal.SIGCONT)
        await until(lambda: listener.follows(STATE))
        pos = backend.publish(snapshot()).pos
        await until(lambda: listener.entries)
    assert listener.entries[-1].pos == pos
    assert "silent" in caplog.text
    assert listener.causes[0] == "silent"


async def test_a_connection_with_nothing_to_say_answers_and_is_kept(
    impatient: None, scratch: Valkey, scratch_db: Redis
) -> None:
    async with listening(feed_of(scratch), STATE) as (feed, listener):
        assert feed._subscription is not None
        heard_s = feed._subscription.heard_at + 3 * redis_feed.PING_EVERY_S
        await until(lambda: feed._subscription is not None and feed._subscription.heard_at > heard_s)
        assert listener.interruptions == 0


async def test_what_is_no_event_of_ours_does_not_end_the_feed(
    impatient: None, scratch: Valkey, scratch_db: Redis, backend: RedisBackend
) -> None:
    async with listening(feed_of(scratch), STATE) as (_, listener):
        scratch_db.publish(f"test:channel:{STATE}", "who are you?")
        pos = backend.publish(snapshot()).pos
        await until(lambda: listener.entries)
        assert ([told.pos for told in listener.entries], listener.interruptions) == ([pos], 0)
