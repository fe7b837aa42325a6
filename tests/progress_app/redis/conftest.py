"""A backend on a Redis that a test may mistreat."""

from collections.abc import Iterator

import pytest
from redis import Redis

from progress_app.backends.redis import RedisBackend, connect
from tests.progress_app.doubles import redis_backend
from tests.stack import Valkey


@pytest.fixture
def backend(scratch: Valkey, scratch_db: Redis) -> Iterator[RedisBackend]:
    client = connect(scratch.url)
    yield redis_backend(client)
    client.close()
