"""Redis whose answers come too late: what it was asked it has done, and nobody knows."""

from collections.abc import Iterator

import pytest
from redis import Redis

from progress_app.backends.redis import RedisBackend
from progress_app.channels import log_channel
from progress_app.events import LogEntry, State
from progress_app.reporter import Reporter
from tests.late import Late
from tests.processes import until
from tests.progress_app.doubles import TASK, FakeHost, redis_backend
from tests.stack import Valkey

TIMEOUT_S = 0.2
TOO_LATE_S = 0.3
AGAIN = 3
LINES = [f"line {number}" for number in range(5)]


@pytest.fixture
def late(scratch: Valkey, scratch_db: Redis) -> Iterator[Late]:
    """A way to the server of `scratch_db` on which answers may be late."""
    proxy = Late(scratch.port)
    yield proxy
    proxy.stop()


@pytest.fixture
def direct(scratch_db: Redis) -> RedisBackend:
    """The same Redis without the delay."""
    return redis_backend(scratch_db)


@pytest.fixture
def progress(late: Late) -> Iterator[Reporter]:
    url = f"redis://127.0.0.1:{late.port}/0"
    with Redis.from_url(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=5, retry=None) as client:
        told = redis_backend(client)
        yield Reporter(task=TASK, job="any", attempt=1, backend=told, host=FakeHost(), interval_s=0.01, pulse_s=0.05)


def shown(backend: RedisBackend) -> tuple[State, float, int]:
    found = backend.read_snapshot(TASK)
    return (found.state, found.current, found.pos) if found else (State.QUEUED, -1, 0)


def told(backend: RedisBackend) -> list[str]:
    return [LogEntry.from_json(entry.data).text for entry in backend.replay(log_channel(TASK), None, 1_000)]


@pytest.mark.parametrize("at_start", [True, False], ids=["start", "middle"])
def test_what_was_sent_again_is_kept_once_and_the_newest_arrives(
    late: Late, direct: RedisBackend, progress: Reporter, at_start: bool
) -> None:
    if at_start:
        late.delay_s = TOO_LATE_S
    progress.start()
    if not at_start:
        until(lambda: shown(direct)[1] == 0, what="the first snapshot")
        late.delay_s = TOO_LATE_S
    for text in progress.track(LINES):
        progress.log(text)
    if not at_start:  # at the start nobody gets through: connecting takes answers too
        asked = shown(direct)[2]
        until(lambda: shown(direct)[2] >= asked + AGAIN or told(direct) == LINES, what="sends that got no answer")
    late.delay_s = 0.0
    until(lambda: told(direct) == LINES, what="each line")
    until(lambda: shown(direct)[:2] == (State.RUNNING, 5), what="the newest snapshot")
    progress.log("one more")
    progress.settle(State.SUCCEEDED)
    assert progress.publish_end()
    assert told(direct) == [*LINES, "one more"]
    assert shown(direct)[:2] == (State.SUCCEEDED, 5)


def test_an_end_without_an_answer_is_sent_again_and_told_once(
    late: Late, direct: RedisBackend, progress: Reporter
) -> None:
    progress.start()
    until(lambda: shown(direct)[1] == 0, what="the first snapshot")
    progress.log("the last line")
    until(lambda: told(direct), what="a line")
    late.delay_s = TOO_LATE_S
    progress.settle(State.FAILED)
    assert not progress.publish_end(), "nobody knows"
    late.delay_s = 0.0
    assert progress.publish_end()
    state, _, pos = shown(direct)
    assert state is State.FAILED
    assert progress.publish_end()
    assert shown(direct)[2] == pos
    assert told(direct) == ["the last line"]
