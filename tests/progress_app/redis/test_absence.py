"""A Redis that is not there, or takes connections and says nothing."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from progress_app.backends import redis as redis_module
from progress_app.backends import redis_feed
from progress_app.backends.redis import connect
from progress_app.backends.redis_feed import RedisFeed
from progress_app.exceptions import BackendUnavailable
from tests import processes
from tests.environment import free_port
from tests.progress_app.doubles import redis_backend
from tests.progress_app.redis.calls import EVERY_CALL, LOG, STATE, Call


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
