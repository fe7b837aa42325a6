"""What a backend asks of Redis, and how it is filled up."""

from collections.abc import Callable

import pytest
from redis import Redis

from progress_app.backends.redis import RedisBackend
from progress_app.backends.redis_feed import RedisFeed
from progress_app.backends.redis_shelf import RedisShelf
from progress_app.channels import log_channel, task_channel
from tests.progress_app.doubles import TASK, entry, snapshot
from tests.stack import Valkey

STATE, LOG = task_channel(TASK), log_channel(TASK)
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


def feed_of(server: Valkey) -> RedisFeed:
    return RedisFeed(server.url, prefix="test")


def fill(client: Redis) -> None:
    """Let Redis refuse what needs memory."""
    client.config_set("maxmemory", 1)
