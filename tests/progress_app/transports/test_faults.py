"""Every fault of a service, met by a job from its start to its end: the job's own way is the same, and one is told."""

import logging
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from progress_app.backends.redis import connect
from progress_app.breaker import Condition
from progress_app.events import State
from progress_app.mirror import MirroredBackend
from progress_app.publisher import Publisher
from progress_app.reporter import Reporter
from tests.emulators.service import Emulator
from tests.environment import free_port
from tests.processes import until
from tests.progress_app.doubles import TASK, Clock, FakeHost
from tests.progress_app.transports.conftest import MAKERS, let_time_fly
from tests.stack import Valkey

SECRETS = ("the-secret", "auth_signature")
CHECK, AWAY = "check its credentials", "cannot be reached"
BEHIND_S = 660.0  # Pusher takes ten minutes, Ably two
Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Fault:
    """What is wrong: `said` of it in the log, the condition that viewers are sent elsewhere for, and how it is made."""

    said: str
    condition: Condition
    order: Callable[[Emulator], object] = lambda _service: None
    change: Callable[[Emulator], dict[str, str]] = lambda _service: {}
    patch: Callable[[Patch], object] = lambda _patch: None
    only: tuple[str, ...] = ("pusher", "ably")


def refusal(status: int, headers: dict[str, str] | None = None, **more: Any) -> Fault:
    """An answer after which nothing is tried again."""
    return Fault(CHECK, Condition.REFUSES, lambda service: service.fail(status, "no", headers), **more)


def trouble(status: int) -> Fault:
    """An answer after which it is tried again."""
    return Fault(f"answered {status}", Condition.AWAY, lambda service: service.fail(status, "later"))


def wrong(pusher: dict[str, str], ably: dict[str, str]) -> Fault:
    """Credentials that the service does not know."""
    return Fault(CHECK, Condition.REFUSES, change=lambda service: {"pusher": pusher, "ably": ably}[service.kind])


def clock_behind(patch: Patch) -> None:
    """Let the client libraries, and nobody else, believe that it is eleven minutes ago."""
    behind = SimpleNamespace(time=lambda: time.time() - BEHIND_S)
    for module in ("pusher.http", "ably.sync.rest.auth"):
        patch.setattr(f"{module}.time", behind)


def no_such_host(patch: Patch) -> None:
    """Let no name be known but the numbers of Redis and of the emulators."""
    known = socket.getaddrinfo

    def look_up(host: Any, *rest: Any, **more: Any) -> Any:
        if "nowhere" in str(host):
            raise socket.gaierror(socket.EAI_NONAME, f"{host} is not known")
        return known(host, *rest, **more)

    patch.setattr("socket.getaddrinfo", look_up)


def impatient(patch: Patch) -> None:
    """Let no answer be waited for longer than a moment."""
    for name in ("pusher", "ably"):
        patch.setattr(f"progress_app.transports.{name}.TIMEOUT_S", 0.05)


FAULTS = {
    "wrong key": wrong({"key": "other"}, {"key": "app.other:the-secret"}),
    "wrong secret": wrong({"secret": "another"}, {"key": "app.key:another"}),
    "wrong app": wrong({"app_id": "2"}, {"key": "other.key:the-secret"}),
    "wrong cluster": Fault(
        AWAY, Condition.AWAY, change=lambda _: {"url": "", "cluster": "nowhere"}, patch=no_such_host, only=("pusher",)
    ),
    "clock": Fault("this machine's clock", Condition.REFUSES, patch=clock_behind),
    "401": refusal(401),
    "401, its quota is used up": refusal(401, {"x-ably-errorcode": "40112"}, only=("ably",)),
    "403": refusal(403),
    "413": refusal(413),
    "429": trouble(429),
    "500": trouble(500),
    "503": trouble(503),
    "no answer": Fault(AWAY, Condition.AWAY, Emulator.hold, patch=impatient),
    "connection refused": Fault(AWAY, Condition.AWAY, change=lambda _: {"url": f"http://127.0.0.1:{free_port()}"}),
    "no TLS": Fault(AWAY, Condition.AWAY, change=lambda service: {"url": f"https://127.0.0.1:{service.port}"}),
}
EACH = [
    pytest.param((kind, fault), id=f"{kind}: {name}") for name, fault in FAULTS.items() for kind in sorted(fault.only)
]


@dataclass
class Watched:
    """A job's reporter, its backend, and what was said of the service."""

    progress: Reporter
    backend: MirroredBackend
    conditions: list[Condition] = field(default_factory=list)

    @property
    def shown(self) -> tuple[State, float] | None:
        """What Redis has of the task."""
        found = self.backend.read_snapshot(TASK)
        return (found.state, found.current) if found else None


@pytest.fixture
def watch(valkey: Valkey, redis_db: None) -> Iterator[Callable[..., Watched]]:
    """Give a function that makes a job's reporter beside a publisher to this transport."""
    made: list[Publisher] = []
    client = connect(valkey.url)

    def make(kind: str, **options: str) -> Watched:
        conditions: list[Condition] = []
        publisher = Publisher(
            MAKERS[kind](**options), per_s=1_000, most=100, tell=conditions.append, address=lambda task: task
        )
        let_time_fly(publisher, Clock())
        made.append(publisher)
        backend = MirroredBackend(
            client, publishers=[publisher], prefix="t", keep_running_s=60, keep_final_s=60, log_entries=9
        )
        progress = Reporter(
            task=TASK, job="any", attempt=1, backend=backend, host=FakeHost(), interval_s=0.01, pulse_s=0.05
        )
        return Watched(progress, backend, conditions)

    yield make
    for publisher in made:
        publisher.close()
        publisher.transport.close()
    client.close()


@pytest.fixture
def met(request: pytest.FixtureRequest, monkeypatch: Patch) -> tuple[Emulator, Fault]:
    """Return a service, and the fault in which it is."""
    kind, fault = request.param
    service: Emulator = request.getfixturevalue(kind)
    fault.order(service)
    fault.patch(monkeypatch)
    return service, fault


@pytest.mark.parametrize("met", EACH, indirect=True)
def test_the_job_ends_as_ever_and_one_is_told_without_secrets(
    met: tuple[Emulator, Fault], watch: Callable[..., Watched], caplog: pytest.LogCaptureFixture
) -> None:
    service, fault = met
    with caplog.at_level(logging.DEBUG):
        watched = watch(service.kind, **({"url": service.url} | fault.change(service)))
        watched.progress.start()
        for _ in watched.progress.track([1, 2, 3]):
            watched.progress.log("a line")
        watched.progress.settle(State.SUCCEEDED)
        assert watched.progress.publish_end()
        assert watched.shown == (State.SUCCEEDED, 3)
        until(lambda: watched.conditions, what="what is said of the service")
    assert set(watched.conditions) == {fault.condition}
    assert service.received() == []
    said = [record.getMessage() for record in caplog.records if record.name.startswith("progress_app")]
    assert any(fault.said in line for line in said)
    everything = "\n".join(record.getMessage() + str(record.exc_text or "") for record in caplog.records)
    assert not any(secret in everything for secret in SECRETS)
