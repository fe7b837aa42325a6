"""A Redis that is full: progress and ends are told all the same, logs lose entries and say so."""

import pytest
from redis import Redis

from progress_app.backends.base import Verdict
from progress_app.backends.redis import RedisBackend
from progress_app.events import State
from progress_app.exceptions import BackendUnavailable
from tests.progress_app.doubles import TASK, entry, snapshot
from tests.progress_app.redis.calls import LOG, fill


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
