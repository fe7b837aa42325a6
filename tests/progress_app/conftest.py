"""A Valkey of these tests' own: they fill it up, demote it and restart it, which the suite's workers must not see."""

from collections.abc import Iterator

import pytest
from hypothesis import settings
from redis import Redis

from tests.environment import RUN, free_port
from tests.stack import Valkey

settings.register_profile("unhurried", deadline=None, max_examples=60)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def scratch() -> Iterator[Valkey]:
    """Start a Redis server that a test may mistreat."""
    server = Valkey(free_port(), RUN / "scratch-redis")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def scratch_db(scratch: Valkey) -> Iterator[Redis]:
    """Return a client of that server, emptied and in its usual state, before and after."""
    with scratch.client() as client:
        client.replicaof("NO", "ONE")
        client.config_set("maxmemory", 0)
        client.flushall()
        yield client
        client.replicaof("NO", "ONE")
        client.config_set("maxmemory", 0)
