"""Redis away at the start of a job, in its middle and at its end: the job goes on, and what is newest arrives."""

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from redis import Redis

from progress_app.backends.redis import RedisBackend, connect
from progress_app.channels import log_channel
from progress_app.events import LogEntry, State
from progress_app.reporter import Reporter
from tests.environment import free_port
from tests.processes import until
from tests.progress_app.doubles import TASK, FakeHost
from tests.stack import Valkey

TOO_LITTLE = 1


@dataclass(frozen=True)
class Trouble:
    """A way in which Redis can be away; `takes_snapshots`: a snapshot gets through all the same."""

    begin: Callable[[Valkey], object]
    end: Callable[[Valkey], object]
    takes_snapshots: bool = False


def ask(question: Callable[[Redis], object]) -> Callable[[Valkey], None]:
    def asked(server: Valkey) -> None:
        with server.client() as client:
            question(client)

    return asked


TROUBLES = {
    "stopped": Trouble(lambda server: server.stop(), lambda server: server.start()),
    "slow": Trouble(
        lambda server: server.service.send(signal.SIGSTOP), lambda server: server.service.send(signal.SIGCONT)
    ),
    "read-only": Trouble(
        ask(lambda client: client.replicaof("127.0.0.1", str(free_port()))),
        ask(lambda client: client.replicaof("NO", "ONE")),
    ),
    "full": Trouble(
        ask(lambda client: client.config_set("maxmemory", TOO_LITTLE)),
        ask(lambda client: client.config_set("maxmemory", 0)),
        takes_snapshots=True,
    ),
}
each_trouble = pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)


@pytest.fixture
def backend(scratch: Valkey, scratch_db: Redis) -> Iterator[RedisBackend]:
    with connect(scratch.url) as client:
        yield RedisBackend(client, prefix="t", keep_running_s=600, keep_final_s=600, log_entries=1_000)


@pytest.fixture
def progress(backend: RedisBackend) -> Iterator[Reporter]:
    made = Reporter(task=TASK, job="any", attempt=1, backend=backend, host=FakeHost(), interval_s=0.01, pulse_s=0.05)
    yield made
    made.teller.sender.stop()


def shown(backend: RedisBackend) -> tuple[State, float]:
    found = backend.read_snapshot(TASK)
    return (found.state, found.current) if found else (State.QUEUED, -1)


def told(backend: RedisBackend) -> list[str]:
    return [LogEntry.from_json(entry.data).text for entry in backend.replay(log_channel(TASK), None, 100)]


@each_trouble
@pytest.mark.parametrize("at_start", [True, False], ids=["start", "middle"])
def test_the_newest_arrives_when_redis_is_back(
    scratch: Valkey, backend: RedisBackend, progress: Reporter, trouble: Trouble, at_start: bool
) -> None:
    if not at_start:
        progress.start()
        until(lambda: shown(backend) == (State.RUNNING, 0), what="the first snapshot")
    trouble.begin(scratch)
    try:
        if at_start:
            progress.start()
        for _ in progress.track([1, 2, 3]):
            progress.log("a line")
    finally:
        trouble.end(scratch)
    until(lambda: shown(backend) == (State.RUNNING, 3), what="the newest snapshot")
    until(lambda: told(backend) == ["a line"] * 3 or "left out" in "".join(told(backend)), what="its log, or a count")
    progress.settle(State.SUCCEEDED)
    assert progress.publish_end()
    assert shown(backend) == (State.SUCCEEDED, 3)


@each_trouble
def test_an_end_that_is_not_taken_is_known_and_can_be_told_later(
    scratch: Valkey, backend: RedisBackend, progress: Reporter, trouble: Trouble
) -> None:
    progress.start()
    progress.advance(3)
    progress.log("the last line")
    until(lambda: "the last line" in told(backend), what="what was before the trouble")
    trouble.begin(scratch)
    try:
        progress.settle(State.FAILED)
        assert progress.publish_end() is trouble.takes_snapshots
    finally:
        trouble.end(scratch)
    assert progress.publish_end()
    assert shown(backend) == (State.FAILED, 3)
