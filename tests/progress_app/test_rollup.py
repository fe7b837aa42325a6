"""Rolling children up: whatever the order in which they tell, the parent's bar is the truth, on both backends."""

from collections.abc import Iterator
from itertools import takewhile
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from progress_app.backends.base import Backend
from progress_app.backends.memory import MemoryBackend
from progress_app.backends.redis import RedisBackend
from progress_app.events import Children, Snapshot, StageProgress, State
from progress_app.rollup import Member, Rollup, Sums, tells, word
from progress_app.rows import row
from tests.progress_app.doubles import OTHER_TASK, TASK, Clock, snapshot

Update = tuple[int, int, State, float | None]
SIZE = 5
NOW_S = 1_790_000_000.0
STATES = st.sampled_from([State.RUNNING, State.RUNNING, State.QUEUED, *sorted(set(State) - {State.QUEUED})])
UPDATES = st.tuples(
    st.integers(0, SIZE - 1), st.integers(1, 3), STATES, st.none() | st.integers(0, 1_000).map(lambda n: n / 10)
)


@pytest.fixture(params=["memory", "redis"])
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    if request.param == "memory":
        yield MemoryBackend()
        return
    client: Redis = request.getfixturevalue("scratch_db")
    yield RedisBackend(client, prefix="t", keep_running_s=60, keep_final_s=10, log_entries=10)


def family(total: int = SIZE, **changes: Any) -> Rollup:
    parked = snapshot(total=total, unit="parts", started_at=NOW_S, ts=NOW_S, message="Working")
    usual: dict[str, Any] = {"snapshot": parked, "total": total}
    return Rollup(**(usual | changes))


def child(number: int, attempt: int = 1, state: State = State.RUNNING, percent: float | None = 0.0) -> Snapshot:
    task = f"{number:08d}-0000-4000-8000-000000000000"
    return snapshot(task=task, attempt=attempt, state=state, percent=percent, elapsed=9.0)


def tell(backend: Backend, number: int, *how: Any) -> None:
    backend.publish(child(number, *how), (), Member(TASK, number))


def shown(backend: Backend) -> Snapshot:
    backend.rolled_up(TASK)
    found = backend.read_snapshot(TASK)
    assert found is not None
    return found


def the_truth(updates: list[Update]) -> Sums:
    newest = [0] * SIZE
    for number, attempt, state, percent in updates:
        newest[number] = max(newest[number], word(attempt, state, percent))
    return Sums.of(newest)


@given(updates=st.lists(UPDATES, max_size=12), order=st.randoms(use_true_random=False))
def test_any_order_of_updates_gives_the_truth(
    updates: list[Update], order: Any, twins: tuple[Backend, Backend]
) -> None:
    truth = the_truth(updates)
    for backend in twins:
        parent = str(uuid4())
        backend.roll_up(family(snapshot=snapshot(task=parent, started_at=NOW_S, ts=NOW_S)))
        for update in order.sample(updates, len(updates)):
            backend.publish(child(*update), (), Member(parent, update[0]))
        assert backend.rolled_up(parent) == Children(total=SIZE, done=truth.done, failed=truth.failed)
        told = backend.read_snapshot(parent)
        assert told is not None
        assert told.current == truth.done + truth.failed
        assert told.percent is not None
        assert min(truth.sum / SIZE / 10, 99.9) <= told.percent + 0.1


@pytest.fixture(scope="session")
def twins(scratch: Any) -> Iterator[tuple[Backend, Backend]]:
    with scratch.client() as client:
        yield (
            MemoryBackend(),
            RedisBackend(client, prefix="twin", keep_running_s=60, keep_final_s=10, log_entries=10),
        )


@given(
    done=st.integers(0, 400), failed=st.integers(0, 400), part=st.integers(0, 1_000), low=st.integers(0, 99),
    stage=st.sampled_from([None, 1]),
)  # fmt: skip
def test_the_script_and_the_core_write_the_same_snapshot(
    *, done: int, failed: int, part: int, low: int, stage: int | None, twins: tuple[Backend, Backend]
) -> None:
    stages = (StageProgress(name="Read", percent=100), StageProgress(name="Scale"))
    words = [word(1, State.SUCCEEDED, 100)] * done + [word(1, State.LOST, 7)] * failed
    words += [word(1, State.RUNNING, part / 10)] * (1_000 - done - failed)
    parked = snapshot(task=OTHER_TASK, attempt=1, stages=stages, started_at=NOW_S, ts=NOW_S)
    rollup = Rollup(snapshot=parked, total=len(words), low=low, high=low + 0.7, stage=stage)
    twins[1].roll_up(rollup, words)
    told = twins[1].read_snapshot(OTHER_TASK)
    assert told is not None
    assert told == rollup.at(told_sums(words, twins[1]), told.ts).at(told.pos)


def told_sums(words: list[int], backend: Backend) -> Sums:
    """The sums of the words on top of those of earlier examples: what was told once stays."""
    client = backend.client  # type: ignore[attr-defined]
    kept = client.hgetall(f"twin:{{{OTHER_TASK}}}:family")
    return Sums(**{name: int(kept[name.encode()]) for name in ("done", "failed", "sum", "most")})


def test_a_child_that_begins_again_does_not_take_the_bar_back(backend: Backend) -> None:
    backend.roll_up(family())
    tell(backend, 0, 1, State.RUNNING, 80.0)
    assert shown(backend).percent == 16.0
    tell(backend, 0, 2, State.RUNNING, 10.0)
    assert shown(backend).percent == 16.0
    tell(backend, 0, 1, State.SUCCEEDED, 100.0)  # a copy of the past
    assert shown(backend).children.done == 0


def test_what_redis_forgot_is_told_again_from_the_database(backend: Backend) -> None:
    truth = [word(1, State.SUCCEEDED, 100), word(2, State.FAILED, 3), word(1, State.RUNNING, 50.0), 0, 0]
    tell(backend, 2, 1, State.RUNNING, 60.0)
    assert backend.rolled_up(TASK) is None
    backend.roll_up(family(), truth)
    found = shown(backend)
    assert (found.percent, found.current, found.children) == (50.0, 2, Children(total=5, done=1, failed=1))


def test_what_is_newer_than_the_database_stays(backend: Backend) -> None:
    backend.roll_up(family())
    tell(backend, 1, 1, State.SUCCEEDED, 100.0)
    backend.roll_up(family(), [0, word(1, State.RUNNING, 30.0), 0, 0, 0])
    assert shown(backend).children.done == 1


def test_a_parent_that_goes_on_is_not_overwritten_by_a_late_child(backend: Backend) -> None:
    backend.roll_up(family())
    backend.publish(snapshot(attempt=2, percent=90.0))
    tell(backend, 0, 1, State.SUCCEEDED, 100.0)
    found = shown(backend)
    assert (found.attempt, found.percent) == (2, 90.0)


def test_an_older_attempt_of_the_parent_opens_nothing(backend: Backend) -> None:
    backend.roll_up(family(snapshot=snapshot(attempt=2)))
    tell(backend, 0, 1, State.SUCCEEDED, 100.0)
    backend.roll_up(family(snapshot=snapshot(attempt=1)))
    assert (shown(backend).attempt, shown(backend).children.done) == (2, 1)


def test_a_newer_attempt_of_the_parent_begins_with_new_children(backend: Backend) -> None:
    backend.roll_up(family())
    tell(backend, 0, 1, State.SUCCEEDED, 100.0)
    backend.roll_up(family(total=3, snapshot=snapshot(attempt=3)))
    assert shown(backend).children == Children(total=3)


def test_children_fill_their_stage_and_their_part_of_the_bar(backend: Backend) -> None:
    stages = (StageProgress(name="Read", percent=100), StageProgress(name="Scale"), StageProgress(name="Pack"))
    backend.roll_up(family(total=2, snapshot=snapshot(stages=stages), low=20.0, high=90.0, stage=1))
    tell(backend, 1, 1, State.FAILED, 3.0)
    found = shown(backend)
    assert (found.percent, [s.percent for s in found.stages]) == (55.0, [100, 50.0, None])


def test_a_parent_is_announced_a_few_times_a_second_at_most() -> None:
    clock = Clock()
    backend = MemoryBackend(clock=clock)
    backend.roll_up(family())
    first = backend.read_snapshot(TASK)
    for percent in range(1, 90):
        tell(backend, 0, 1, State.RUNNING, float(percent))
    assert backend.read_snapshot(TASK) == first
    clock.now += 0.2
    tell(backend, 0, 1, State.RUNNING, 90.0)
    found = backend.read_snapshot(TASK)
    assert found is not None
    assert found.percent == 18.0


def test_redis_announces_a_parent_a_few_times_a_second_at_most(scratch_db: Redis) -> None:
    backend = RedisBackend(scratch_db, prefix="t", keep_running_s=60, keep_final_s=10, log_entries=10)
    backend.roll_up(family())
    first = backend.read_snapshot(TASK)
    told = scratch_db.hget(f"t:{{{TASK}}}:family", "sent")
    scratch_db.hset(f"t:{{{TASK}}}:family", "sent", int(told or 0) + 60_000)  # a minute that will not pass
    for percent in range(1, 90):
        tell(backend, 0, 1, State.RUNNING, float(percent))
    assert backend.read_snapshot(TASK) == first


def test_who_asks_for_the_present_state_gets_it_whatever_the_clock_says(scratch_db: Redis) -> None:
    backend = RedisBackend(scratch_db, prefix="t", keep_running_s=60, keep_final_s=10, log_entries=10)
    backend.roll_up(family())
    told = scratch_db.hget(f"t:{{{TASK}}}:family", "sent")
    scratch_db.hset(f"t:{{{TASK}}}:family", "sent", int(told or 0) + 60_000)
    tell(backend, 0, 1, State.SUCCEEDED, 100.0)
    assert shown(backend).current == 1


def test_the_stage_of_the_children_says_for_how_long_they_have_run() -> None:
    stages = (StageProgress(name="Read", seconds=3.0), StageProgress(name="Scale", seconds=0.0))
    rollup = family(snapshot=snapshot(ts=NOW_S, stages=stages), stage=1)
    assert [stage.seconds for stage in rollup.at(Sums(), NOW_S + 61.26).stages] == [3.0, 61.2]
    assert [stage.seconds for stage in rollup.at(Sums(), NOW_S - 5).stages] == [3.0, 0.0]


def test_a_short_child_is_told_of_once(scratch_db: Redis) -> None:
    assert not tells(snapshot(percent=0.0, elapsed=0.0))
    assert tells(snapshot(percent=0.0, elapsed=1.0))
    assert tells(snapshot(percent=0.0, elapsed=0.0, attempt=2))
    assert tells(snapshot(state=State.FAILED, elapsed=0.0))


def test_a_script_that_redis_has_forgotten_is_sent_again(scratch_db: Redis) -> None:
    backend = RedisBackend(scratch_db, prefix="t", keep_running_s=60, keep_final_s=10, log_entries=10)
    backend.roll_up(family())
    scratch_db.script_flush()
    tell(backend, 0, 1, State.SUCCEEDED, 100.0)
    assert backend.rolled_up(TASK) == Children(total=5, done=1)
    assert backend.read_snapshot(child(0).task) is not None


def test_a_full_redis_still_takes_a_child_and_its_part(scratch_db: Redis) -> None:
    backend = RedisBackend(scratch_db, prefix="t", keep_running_s=60, keep_final_s=10, log_entries=10)
    backend.roll_up(family())
    scratch_db.config_set("maxmemory", 1)
    tell(backend, 0, 1, State.SUCCEEDED, 100.0)
    assert backend.rolled_up(TASK) == Children(total=5, done=1)


def test_no_key_of_a_family_stays_for_ever(scratch_db: Redis) -> None:
    backend = RedisBackend(scratch_db, prefix="t", keep_running_s=60, keep_final_s=10, log_entries=10)
    backend.roll_up(family())
    tell(backend, 0, 1, State.SUCCEEDED, 100.0)
    keys = list(scratch_db.scan_iter())
    assert len(keys) == 4
    assert all(0 < scratch_db.ttl(key) <= 60 for key in keys)
    backend.end_roll_up(TASK)
    assert [scratch_db.ttl(key) for key in keys if b"family" in key or b"words" in key] == [10, 10]


def test_ten_thousand_children_take_four_bytes_each(scratch_db: Redis) -> None:
    backend = RedisBackend(scratch_db, prefix="t", keep_running_s=60, keep_final_s=10, log_entries=10)
    backend.roll_up(family(total=10_000), [word(1, State.SUCCEEDED, 100)] * 10_000)
    assert backend.rolled_up(TASK) == Children(total=10_000, done=10_000)
    assert scratch_db.strlen(f"t:{{{TASK}}}:words") == 40_000


def test_lists_are_told_of_the_parent_and_not_of_its_children(scratch_db: Redis) -> None:
    backend = RedisBackend(scratch_db, prefix="t", keep_running_s=60, keep_final_s=10, log_entries=10)
    with scratch_db.pubsub(ignore_subscribe_messages=True) as listener:  # type: ignore[no-untyped-call]
        listener.psubscribe("*channel:tasks", "*user-7*")
        listener.get_message(timeout=1)
        backend.roll_up(family(audience=("user-7",)))
        tell(backend, 0, 1, State.SUCCEEDED, 100.0)
        backend.rolled_up(TASK)
        scratch_db.publish("t:channel:tasks", b"over")
        told = list(takewhile(lambda data: data != b"over", (message["data"] for message in listener.listen())))
    assert len(told) == 4
    assert told[-1].endswith(row(shown(backend)))
    assert all(TASK.encode() in message for message in told)


def test_a_parent_shows_the_rate_and_the_forecast_of_its_children() -> None:
    rollup = family(snapshot=snapshot(ts=NOW_S, state=State.RUNNING))
    assert (rollup.at(Sums(), NOW_S + 10).rate, rollup.at(Sums(), NOW_S + 10).eta) == (None, None)
    half = rollup.at(Sums(done=2, failed=1, sum=2_500, most=2_500), NOW_S + 10)
    assert half.rate == 0.3
    assert half.eta is not None
    assert half.eta.low < 10 < half.eta.high
    assert rollup.at(Sums(done=5, sum=5_000, most=5_000), NOW_S + 10).eta is None


def test_what_comes_after_the_children_takes_its_time_too() -> None:
    parked, sums = snapshot(ts=NOW_S, state=State.RUNNING), Sums(done=4, sum=4_500, most=4_500)
    ends, goes_on = (family(snapshot=parked, high=high).at(sums, NOW_S + 90).eta for high in (100.0, 90.0))
    assert ends is not None
    assert goes_on is not None
    assert ends.high < goes_on.high


def test_a_parent_that_is_cancelled_has_no_forecast() -> None:
    rollup = family(snapshot=snapshot(ts=NOW_S, state=State.CANCELLING))
    assert rollup.at(Sums(done=2, sum=2_500, most=2_500), NOW_S + 10).eta is None
