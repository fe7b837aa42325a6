"""A Redis that may not be written to: a replica, or a master that waits for its replicas."""

import pytest
from redis import Redis

from progress_app.backends.base import Verdict
from progress_app.backends.redis import RedisBackend
from progress_app.exceptions import BackendUnavailable
from tests.environment import free_port
from tests.progress_app.doubles import TASK, entry, snapshot
from tests.progress_app.redis.calls import EVERY_WRITE, Call


def demote(client: Redis) -> None:
    """Make it the read-only replica of a master that is not there."""
    client.replicaof("127.0.0.1", str(free_port()))


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
