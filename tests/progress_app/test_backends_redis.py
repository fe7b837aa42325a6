"""What Redis alone can do to a backend: be full, be demoted, forget scripts, be silent, be away."""

import asyncio
import signal
import socket
import statistics
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from progress_app.backends import redis as redis_module
from progress_app.backends import redis_feed
from progress_app.backends.base import Verdict
from progress_app.backends.redis import RedisBackend, connect
from progress_app.backends.redis_feed import RedisFeed
from progress_app.backends.redis_shelf import RedisShelf
from progress_app.channels import log_channel, task_channel
from progress_app.events import Eta, Snapshot, StageProgress, StageRef, StageState, State
from progress_app.exceptions import BackendUnavailable
from tests import processes
from tests.environment import free_port
from tests.progress_app.doubles import OTHER_TASK, TASK, WITHIN_S, entry, listening, redis_backend, snapshot, until
from tests.stack import Valkey

STATE, LOG = task_channel(TASK), log_channel(TASK)
STATE_KEY, LOG_KEY, CANCEL_KEY = (f"test:{{{TASK}}}:{what}" for what in ("now", "log", "cancel"))
AT_REST = 896  # bytes of a task with four stages: 763 of JSON, its key, and what Redis adds

Call = Callable[[RedisBackend], object]
EVERY_CALL = [
    pytest.param(lambda backend: backend.publish(snapshot()), id="publish"),
    pytest.param(lambda backend: backend.publish(snapshot(), [entry()]), id="publish with a log"),
    pytest.param(lambda backend: backend.append("user-7", "n", b"{}"), id="append"),
    pytest.param(lambda backend: backend.request_cancel(TASK, 1.0), id="request_cancel"),
    pytest.param(lambda backend: backend.read_snapshot(TASK), id="read_snapshot"),
    pytest.param(lambda backend: backend.replay(LOG, None, 10), id="replay"),
    pytest.param(lambda backend: backend.position(LOG), id="position"),
    pytest.param(lambda backend: RedisShelf(backend.client, prefix="test").keep("token", b"1", 60), id="keep"),
    pytest.param(lambda backend: backend.ping(), id="ping"),
]
EVERY_WRITE = [call for call in EVERY_CALL if call.id not in ("read_snapshot", "replay", "position", "ping")]


@pytest.fixture
def backend(scratch: Valkey, scratch_db: Redis) -> Iterator[RedisBackend]:
    client = connect(scratch.url)
    yield redis_backend(client)
    client.close()


def feed_of(server: Valkey) -> RedisFeed:
    return RedisFeed(server.url, prefix="test")


def fill(client: Redis) -> None:
    """Let Redis refuse what needs memory."""
    client.config_set("maxmemory", 1)


def demote(client: Redis) -> None:
    """Make it the read-only replica of a master that is not there."""
    client.replicaof("127.0.0.1", str(free_port()))


# Full


def test_a_full_redis_takes_the_snapshot_and_counts_the_log_as_lost(scratch_db: Redis, backend: RedisBackend) -> None:
    before = backend.publish(snapshot(), [entry("before")])
    fill(scratch_db)
    answer = backend.publish(snapshot(message="still told"), [entry("a"), entry("b")])
    assert (answer.verdict, answer.pos, answer.log_lost) == (Verdict.ACCEPTED, before.pos + 1, 2)
    newest = backend.read_snapshot(TASK)
    assert newest is not None
    assert newest.message == "still told"
    assert len(backend.replay(LOG, None, 10)) == 1, "nothing half-done"


def test_a_full_redis_takes_the_end_and_still_keeps_the_fence(scratch_db: Redis, backend: RedisBackend) -> None:
    backend.publish(snapshot(attempt=2))
    fill(scratch_db)
    assert backend.publish(snapshot(attempt=1), [entry()]).verdict is Verdict.SUPERSEDED
    assert backend.publish(snapshot(attempt=2, state=State.SUCCEEDED)).verdict is Verdict.ACCEPTED
    assert backend.publish(snapshot(attempt=2)).verdict is Verdict.ENDED


def test_the_log_goes_on_without_a_gap_once_there_is_room(scratch_db: Redis, backend: RedisBackend) -> None:
    backend.publish(snapshot(), [entry("one")])
    fill(scratch_db)
    backend.publish(snapshot(), [entry("lost")])
    scratch_db.config_set("maxmemory", 0)
    assert backend.publish(snapshot(), [entry("two")]).log_lost == 0
    first, second = backend.replay(LOG, None, 10)
    assert second.pos == first.pos + 1


def test_a_full_redis_refuses_other_events_with_an_error(scratch_db: Redis, backend: RedisBackend) -> None:
    fill(scratch_db)
    with pytest.raises(BackendUnavailable, match="OutOfMemory"):
        backend.append("user-7", "n", b"{}")
    with pytest.raises(BackendUnavailable):
        backend.request_cancel(TASK, 1.0)
    assert scratch_db.keys("test:*") == []


# Read-only


@pytest.mark.parametrize("call", EVERY_WRITE)
def test_a_demoted_redis_is_unavailable_and_its_connections_are_given_up(
    scratch_db: Redis, backend: RedisBackend, call: Call
) -> None:
    backend.ping()
    demote(scratch_db)
    ours = backend.client.client_id()
    with pytest.raises(BackendUnavailable, match="read-only"):
        call(backend)
    assert backend.client.client_id() != ours, "a new connection finds the new master"


def test_a_redis_that_is_a_master_again_is_written_to(scratch_db: Redis, backend: RedisBackend) -> None:
    pos = backend.publish(snapshot()).pos
    demote(scratch_db)
    with pytest.raises(BackendUnavailable):
        backend.publish(snapshot())
    assert backend.read_snapshot(TASK) is not None, "reading goes on"
    scratch_db.replicaof("NO", "ONE")
    assert backend.publish(snapshot()).pos == pos + 1


def test_a_redis_that_waits_for_its_replicas_is_unavailable(scratch_db: Redis, backend: RedisBackend) -> None:
    scratch_db.config_set("min-replicas-to-write", 1)
    try:
        with pytest.raises(BackendUnavailable, match="NOREPLICAS"):
            backend.publish(snapshot(), [entry()])
    finally:
        scratch_db.config_set("min-replicas-to-write", 0)
    assert backend.publish(snapshot()).verdict is Verdict.ACCEPTED


# Scripts, lifetimes, memory, prefix


def test_scripts_that_redis_forgot_are_sent_again(scratch_db: Redis, backend: RedisBackend) -> None:
    pos = backend.publish(snapshot()).pos
    first = backend.append("user-7", "n", b"{}")
    scratch_db.script_flush()
    assert backend.publish(snapshot()).pos == pos + 1
    scratch_db.script_flush()
    assert backend.append("user-7", "n", b"{}") == first + 1
    scratch_db.script_flush()
    fill(scratch_db)
    assert backend.publish(snapshot()).verdict is Verdict.ACCEPTED


def test_a_script_with_an_error_is_one_kind_of_error(scratch_db: Redis, backend: RedisBackend) -> None:
    scratch_db.rpush(STATE_KEY, "no text")
    with pytest.raises(BackendUnavailable) as fault:
        backend.publish(snapshot())
    assert isinstance(fault.value.__cause__, ResponseError)


def test_keys_of_a_running_task_stay_a_day_after_its_last_pulse(scratch_db: Redis, backend: RedisBackend) -> None:
    backend.publish(snapshot(), [entry()])
    assert {scratch_db.ttl(STATE_KEY), scratch_db.ttl(LOG_KEY)} <= {86_400, 86_399}
    for key in (STATE_KEY, LOG_KEY):
        scratch_db.expire(key, 10)
    backend.publish(snapshot())
    assert {scratch_db.ttl(STATE_KEY), scratch_db.ttl(LOG_KEY)} <= {86_400, 86_399}


def test_keys_of_a_finished_task_stay_an_hour(scratch_db: Redis, backend: RedisBackend) -> None:
    backend.publish(snapshot(), [entry()])
    backend.publish(snapshot(state=State.SUCCEEDED))
    assert {scratch_db.ttl(STATE_KEY), scratch_db.ttl(LOG_KEY)} <= {3_600, 3_599}


def test_a_cancel_of_a_task_that_never_runs_is_forgotten_too(scratch_db: Redis, backend: RedisBackend) -> None:
    backend.request_cancel(TASK, 1.0)
    assert scratch_db.ttl(CANCEL_KEY) in (86_400, 86_399)
    backend.publish(snapshot(state=State.CANCELLED))
    backend.request_cancel(TASK, 2.0)
    assert scratch_db.ttl(STATE_KEY) in (3_600, 3_599), "a late click does not keep a finished task"


def test_every_key_expires(scratch_db: Redis, backend: RedisBackend) -> None:
    backend.publish(snapshot(), [entry()])
    backend.append("user-7", "n", b"{}")
    backend.request_cancel(OTHER_TASK, 1.0)
    RedisShelf(backend.client, prefix="test").keep("test:token", b"1", 60)
    assert len(keys := scratch_db.keys()) == 5
    assert all(scratch_db.ttl(key) > 0 for key in keys)


def test_a_task_at_rest_with_four_stages_takes_little_memory(scratch_db: Redis, backend: RedisBackend) -> None:
    stages = tuple(
        StageProgress(name=name, state=StageState.DONE, percent=100.0, seconds=12.3)
        for name in ("Read", "Check", "Load", "Report")
    )
    told = snapshot(
        current=10_000, total=10_000, unit="rows", percent=99.9, message="Loading rows",
        stage=StageRef(index=2, name="Load"), stages=stages, rate=812.4, eta=Eta(low=6.1, high=8.4),
        started_at=1_789_999_994.9, elapsed=5.2, ts=1_790_000_000.123456,
    )  # fmt: skip
    tasks = [f"{number:08x}{TASK[8:]}" for number in range(31)]
    for task in tasks:
        backend.publish(replace(told, task=task))
    taken = [scratch_db.memory_usage(f"test:{{{task}}}:now", samples=0) or 0 for task in tasks]
    assert 0 < statistics.median(taken) <= AT_REST, "Redis lays out each table by chance"


def test_two_projects_on_one_redis_do_not_meet(scratch_db: Redis, backend: RedisBackend) -> None:
    other = redis_backend(backend.client, prefix="other")
    backend.publish(snapshot(attempt=2, state=State.FAILED), [entry("ours")])
    other.request_cancel(TASK, 1.0)
    other.append(LOG, "log", b"theirs")
    assert other.read_snapshot(TASK) is None
    assert other.publish(snapshot(attempt=1)).verdict is Verdict.ACCEPTED
    assert backend.publish(snapshot(attempt=3)).cancel_requested_at is None
    assert [found.data for found in other.replay(LOG, None, 10)] == [b"theirs"]


async def test_the_feed_of_one_project_hears_nothing_of_another(scratch: Valkey, backend: RedisBackend) -> None:
    other = redis_backend(backend.client, prefix="other")
    async with listening(feed_of(scratch), STATE) as (feed, listener):
        other.publish(snapshot(message="theirs"))
        pos = backend.publish(snapshot(message="ours")).pos
        await until(lambda: listener.entries)
        assert [told.pos for told in listener.entries] == [pos]
        assert set(await feed.read_states([STATE])) == {STATE}


# Away


@pytest.mark.parametrize("call", EVERY_CALL)
def test_a_redis_that_is_not_there_is_unavailable(call: Call) -> None:
    with connect(f"redis://127.0.0.1:{free_port()}/0") as client, pytest.raises(BackendUnavailable):
        call(redis_backend(client))


class Deaf:
    """A server that takes connections and says nothing."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listening.getsockname()[1]}/0"
        self.taken: list[socket.socket] = []
        self._thread = threading.Thread(target=self._take)
        self._thread.start()

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                self.taken.append(self._listening.accept()[0])

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for connection in [self._listening, *self.taken]:
            connection.close()


@pytest.fixture
def deaf() -> Iterator[Deaf]:
    server = Deaf()
    yield server
    server.close()


@pytest.mark.parametrize("call", EVERY_CALL)
def test_a_redis_that_does_not_answer_is_unavailable_and_is_asked_once(
    deaf: Deaf, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    monkeypatch.setattr(redis_module, "TIMEOUT_S", 0.05)
    with connect(deaf.url) as client, pytest.raises(BackendUnavailable, match="did not answer"):
        call(redis_backend(client))
    processes.until(lambda: deaf.taken)
    assert len(deaf.taken) == 1, "a second try would double the wait"


def test_nobody_waits_for_redis_longer_than_two_seconds() -> None:
    assert redis_module.TIMEOUT_S <= 2.0
    assert redis_feed.READ_TIMEOUT_S <= 2.0
    with connect("redis://127.0.0.1:1/0") as client:
        known = client.connection_pool.connection_kwargs
    assert (known["socket_timeout"], known["socket_connect_timeout"]) == (2.0, 1.0)


async def test_a_feed_that_cannot_read_says_so() -> None:
    feed = RedisFeed(f"redis://127.0.0.1:{free_port()}/0", prefix="test")
    with pytest.raises(BackendUnavailable):
        await feed.read_states([STATE])
    with pytest.raises(BackendUnavailable):
        await feed.replay(LOG, None, 10)
    with pytest.raises(BackendUnavailable):
        await feed.positions([LOG])
    await feed.close()


# The feed's connection


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
        after = backend.publish(snapshot()).pos
        await until(lambda: listener.entries)
    assert listener.entries[-1].pos == after > before
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


def test_a_snapshot_of_a_later_version_can_be_read(scratch_db: Redis, backend: RedisBackend) -> None:
    backend.publish(snapshot(percent=12.5))
    kept = scratch_db.get(STATE_KEY)
    assert isinstance(kept, bytes)
    scratch_db.set(STATE_KEY, kept.replace(b'{"v":1', b'{"new":[{}],"v":1'))
    newest = backend.read_snapshot(TASK)
    assert isinstance(newest, Snapshot)
    assert newest.percent == 12.5
