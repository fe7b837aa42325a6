"""What lies in Redis: how long, how large, under which prefix, and by scripts that it may forget."""

import statistics

import pytest
from msgspec.structs import replace
from redis import Redis
from redis.exceptions import ResponseError

from progress_app.backends.base import Verdict
from progress_app.backends.redis import RedisBackend
from progress_app.backends.redis_shelf import RedisShelf
from progress_app.events import Eta, Snapshot, StageProgress, StageRef, StageState, State
from progress_app.exceptions import BackendUnavailable
from tests.progress_app.doubles import OTHER_TASK, TASK, entry, redis_backend, snapshot
from tests.progress_app.redis.calls import LOG, fill

STATE_KEY, LOG_KEY, CANCEL_KEY = (f"test:{{{TASK}}}:{what}" for what in ("now", "log", "cancel"))
AT_REST = 896  # bytes of a task with four stages: 763 of JSON, its key, and what Redis adds
DAY_S, HOUR_S = 86_400, 3_600
PASSED_S = 60  # between the write and our question, at most


def lives_for(client: Redis, seconds: int, *keys: str) -> bool:
    return all(seconds - PASSED_S <= client.ttl(key) <= seconds for key in keys)


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
    assert lives_for(scratch_db, DAY_S, STATE_KEY, LOG_KEY)
    for key in (STATE_KEY, LOG_KEY):
        scratch_db.expire(key, 10)
    backend.publish(snapshot())
    assert lives_for(scratch_db, DAY_S, STATE_KEY, LOG_KEY)


def test_keys_of_a_finished_task_stay_an_hour(scratch_db: Redis, backend: RedisBackend) -> None:
    backend.publish(snapshot(), [entry()])
    backend.publish(snapshot(state=State.SUCCEEDED))
    assert lives_for(scratch_db, HOUR_S, STATE_KEY, LOG_KEY)


def test_a_cancel_of_a_task_that_never_runs_is_forgotten_too(scratch_db: Redis, backend: RedisBackend) -> None:
    backend.request_cancel(TASK, 1.0)
    assert lives_for(scratch_db, DAY_S, CANCEL_KEY)
    backend.publish(snapshot(state=State.CANCELLED))
    backend.request_cancel(TASK, 2.0)
    assert lives_for(scratch_db, HOUR_S, STATE_KEY), "a late click does not keep a finished task"


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


def test_a_snapshot_of_a_later_version_can_be_read(scratch_db: Redis, backend: RedisBackend) -> None:
    backend.publish(snapshot(percent=12.5))
    kept = scratch_db.get(STATE_KEY)
    assert isinstance(kept, bytes)
    scratch_db.set(STATE_KEY, kept.replace(b'{"v":1', b'{"new":[{}],"v":1'))
    newest = backend.read_snapshot(TASK)
    assert isinstance(newest, Snapshot)
    assert newest.percent == 12.5
