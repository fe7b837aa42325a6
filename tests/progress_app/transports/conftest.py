"""Publishers to the emulators, and what they say about their service."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from progress_app.breaker import Condition
from progress_app.publisher import Publisher
from progress_app.transports.ably import AblyTransport
from progress_app.transports.base import Message, Transport
from progress_app.transports.pusher import PusherTransport
from tests.emulators import ably_keys
from tests.emulators import pusher as pusher_emulator
from tests.emulators.service import Emulator
from tests.progress_app.doubles import TASK, Clock

FLAGS: list[Condition] = []
PATIENCE_S = 20.0  # the emulator is another process, and a loaded machine may let it wait


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("ably", "pusher"):
        monkeypatch.setattr(f"progress_app.transports.{kind}.TIMEOUT_S", PATIENCE_S)
    monkeypatch.setattr("progress_app.publisher.FLUSH_S", PATIENCE_S)


def pusher_transport(url: str, **changes: str) -> PusherTransport:
    usual = {"app_id": pusher_emulator.APP_ID, "key": pusher_emulator.KEY, "secret": pusher_emulator.SECRET}
    return PusherTransport(**(usual | {"url": url} | changes))


def ably_transport(url: str, **changes: str) -> AblyTransport:
    return AblyTransport(**({"key": ably_keys.KEY, "url": url} | changes))


MAKERS: dict[str, Callable[..., Transport]] = {"pusher": pusher_transport, "ably": ably_transport}


@pytest.fixture(params=["pusher", "ably"])
def service(request: pytest.FixtureRequest) -> Emulator:
    """Return a running emulator: the test runs with each."""
    emulator: Emulator = request.getfixturevalue(request.param)
    return emulator


@pytest.fixture
def transport(service: Emulator) -> Iterator[Transport]:
    """Return a transport to the emulator."""
    made = MAKERS[service.kind](service.url)
    yield made
    made.close()


@pytest.fixture
def publish(service: Emulator) -> Iterator[Callable[..., Publisher]]:
    """Give a function that makes a publisher to the emulator; all are closed in the end."""
    made: list[Publisher] = []

    def make(carrier: Transport | None = None, per_s: float = 1_000, **options: Any) -> Publisher:
        FLAGS.clear()
        carrier = carrier or MAKERS[service.kind](service.url)
        usual: dict[str, Any] = {"most": 1_000, "tell": FLAGS.append, "address": lambda task: f"/tasks/{task}/"}
        made.append(Publisher(carrier, per_s=per_s, **(usual | options)))
        return made[-1]

    yield make
    for publisher in made:
        publisher.close()
        publisher.transport.close()


def let_time_fly(publisher: Publisher, clock: Clock, passing: Callable[[], object] = lambda: None) -> None:
    """Let the publisher's pauses pass at once, on a given clock; `passing` is called after each."""

    def wait(timeout: float | None = None) -> bool:
        clock.now += timeout or 0.0
        passing()
        return publisher._closing.is_set()

    publisher._closing.wait = wait  # type: ignore[method-assign]
    publisher._clock = publisher.breaker._clock = publisher._allowance._clock = clock


def state(percent: int = 1, **changes: Any) -> Message:
    usual: dict[str, Any] = {"channel": f"task-{TASK}", "pos": percent, "event": "progress", "is_state": True}
    return Message(**(usual | {"data": b'{"percent":%d}' % percent} | changes))


def end(number: int = 0) -> Message:
    channel = f"task-00000000-0000-4000-8000-{number:012}"
    return state(100, channel=channel, event="complete", is_end=True)
