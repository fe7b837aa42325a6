"""What these tests share: a Valkey that they may mistreat, and the gateway as a server runs it."""

import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

import hypothesis
import pytest
from redis import Redis

from config.asgi import django_application
from progress_app.gateway import Gateway
from tests.environment import RUN, free_port
from tests.progress_app.asgi import serving
from tests.progress_app.deaf import Deaf
from tests.stack import Valkey

hypothesis.settings.register_profile("unhurried", deadline=None, max_examples=60)
hypothesis.settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def scratch() -> Iterator[Valkey]:
    """Start a server that a test may fill up, demote or restart, which the suite's workers must not see."""
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


@pytest.fixture
def deaf() -> Iterator[Deaf]:
    """Return a server that hangs."""
    server = Deaf()
    yield server
    server.close()


@pytest.fixture
async def gateway(
    request: pytest.FixtureRequest, settings: Any, transactional_db: None, redis_db: Redis, static_files: None
) -> AsyncIterator[Gateway]:
    """Serve on this event loop, with the settings that `asgi.configured` gave the test."""
    for name, value in getattr(request, "param", {}).items():
        setattr(settings, name, value)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    application = Gateway(django_application)
    async with serving(application):
        yield application
    for number, handler in handlers.items():
        signal.signal(number, handler)
