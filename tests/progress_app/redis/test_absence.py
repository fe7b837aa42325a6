"""A Redis that is not there, or takes connections and says nothing."""

import pytest

from progress_app.backends import redis as redis_module
from progress_app.backends import redis_feed
from progress_app.backends.redis import connect
from progress_app.backends.redis_feed import RedisFeed
from progress_app.exceptions import BackendUnavailable
from tests.environment import free_port
from tests.progress_app.deaf import Deaf
from tests.progress_app.doubles import redis_backend
from tests.progress_app.redis.calls import EVERY_CALL, LOG, STATE, Call


@pytest.mark.parametrize("call", EVERY_CALL)
def test_a_redis_that_is_not_there_is_unavailable(call: Call) -> None:
    with connect(f"redis://127.0.0.1:{free_port()}/0") as client, pytest.raises(BackendUnavailable):
        call(redis_backend(client))


@pytest.mark.parametrize("call", EVERY_CALL)
def test_a_redis_that_does_not_answer_is_unavailable_and_is_asked_once(
    deaf: Deaf, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    monkeypatch.setattr(redis_module, "TIMEOUT_S", 0.05)
    with connect(deaf.url) as client, pytest.raises(BackendUnavailable, match="did not answer"):
        call(redis_backend(client))
    assert deaf.asked() == 1, "a second try would double the wait"


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
