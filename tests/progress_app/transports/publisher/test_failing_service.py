"""A hosted service that fails, refuses or holds back: waited out, told, and no secret logged."""

import logging
import math
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from progress_app.breaker import Condition
from progress_app.publisher import Publisher
from progress_app.transports.base import TIMEOUT_S, Message, Transport, Unsent
from tests.emulators.service import Emulator
from tests.processes import until
from tests.progress_app.transports.conftest import (
    FLAGS,
    MAKERS,
    ably_transport,
    end,
    pusher_transport,
    state,
)
from tests.progress_app.transports.publisher.arrivals import SECRETS, Publish, arrived


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_fault_that_passes_is_waited_out_and_the_newest_state_sent(
    service: Emulator, publish: Publish, status: int
) -> None:
    publisher = publish()
    service.fail(status, "later")
    publisher.put(state(1))
    until(lambda: service.calls() >= 1, what="a try")
    publisher.put(state(2))
    service.recover()
    assert [message["data"] for message in arrived(service, 1)] == [{"percent": 2}]


def test_the_flag_is_raised_after_three_faults_and_taken_back(service: Emulator, publish: Publish) -> None:
    publisher = publish()
    publisher.breaker._jitter = lambda: 0.0
    service.fail(500)
    publisher.put(state(1))
    until(lambda: FLAGS == [Condition.AWAY], what="the flag")
    assert service.calls() == 3
    service.recover()
    until(lambda: FLAGS == [Condition.AWAY, Condition.WORKS], what="the flag taken back")
    assert arrived(service, 1)[0]["data"] == {"percent": 1}


@pytest.mark.parametrize(
    ("status", "headers"), [(401, {}), (403, {}), (413, {}), (401, {"x-ably-errorcode": "40112"}), (404, {})]
)
def test_a_refusal_opens_the_circuit_for_good(
    service: Emulator, publish: Publish, status: int, headers: dict[str, str]
) -> None:
    publisher = publish()
    service.fail(status, "no", headers)
    publisher.put(state(1))
    until(lambda: FLAGS == [Condition.REFUSES], what="the flag")
    service.recover()
    publisher.put(state(2))
    assert (publisher.breaker.wait_s(), service.calls(), service.received()) == (math.inf, 1, [])


def test_messages_that_the_service_will_never_take_are_dropped(service: Emulator, publish: Publish) -> None:
    publisher = publish()
    service.fail(400, "bad")
    publisher.put(state(1))
    until(lambda: service.calls() == 1, what="the try")
    service.recover()
    publisher.put(state(2))
    assert [message["data"] for message in arrived(service, 1)] == [{"percent": 2}]


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("pusher", {"secret": "not-the-secret"}),
        ("pusher", {"key": "other"}),
        ("pusher", {"app_id": "2"}),
        ("ably", {"key": "app.key:not-the-secret"}),
        ("ably", {"key": "app.other:the-secret"}),
    ],
)
def test_wrong_credentials_are_one_line_without_them(
    request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture, kind: str, wrong: dict[str, str]
) -> None:
    emulator: Emulator = request.getfixturevalue(kind)
    publisher = Publisher(
        MAKERS[kind](emulator.url, **wrong), per_s=9, most=9, tell=lambda _: None, address=lambda task: task
    )
    with caplog.at_level(logging.INFO, "progress_app"):
        publisher.put(state(1))
        until(lambda: publisher.breaker.is_broken, what="the circuit open")
    publisher.close()
    publisher.transport.close()
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("progress_app")]
    assert len(lines) == 1
    assert "check its credentials" in lines[0]
    assert not any(secret in lines[0] for secret in SECRETS)


def test_a_clock_of_ours_that_is_off_is_told_as_one_and_stops_nothing_else(
    service: Emulator, publish: Publish, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    off_s = time.time() - 660
    monkeypatch.setattr("pusher.http.time.time", lambda: off_s)
    publisher = publish()
    publisher.put(state(1))
    until(lambda: publisher.breaker.is_broken, what="the circuit open")
    publisher.put(state(2))
    assert (FLAGS, service.received()) == ([Condition.REFUSES], [])
    assert "this machine's clock" in caplog.text


def test_a_refused_connection_passes(service: Emulator, publish: Publish) -> None:
    publisher = publish()
    service.stop()
    publisher.put(state(1))
    until(lambda: publisher.breaker.wait_s() > 0, what="a fault")
    service.renew()
    assert arrived(service, 1)[0]["data"] == {"percent": 1}


@pytest.mark.parametrize("make", [pusher_transport, ably_transport])
def test_a_tls_fault_passes(make: Callable[..., Transport], pusher: Emulator) -> None:
    transport = make(f"https://127.0.0.1:{pusher.port}")  # speaks no TLS
    with pytest.raises(Unsent, match="cannot be reached") as fault:
        transport.send([state(1)])
    assert not any(secret in str(fault.value) for secret in SECRETS)
    transport.close()


def test_a_cluster_that_is_none_is_a_service_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(host: str, *_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, f"{host} is not known")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    transport = pusher_transport("", cluster="nowhere")
    with pytest.raises(Unsent, match="cannot be reached") as fault:
        transport.send([state(1)])
    assert not any(secret in str(fault.value) for secret in SECRETS)
    transport.close()


def test_who_publishes_never_waits_for_an_answer_that_is_held_back(service: Emulator, publish: Publish) -> None:
    publisher = publish()
    service.hold()
    publisher.put(state(0))
    until(lambda: service.calls() == 1, what="the call that is held")
    for percent in range(1_000):
        publisher.put(state(percent))
    assert service.received() == []  # the thousand were put while the service had not answered
    service.recover()


def test_an_answer_that_does_not_come_in_time_is_a_fault(service: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    assert TIMEOUT_S <= 2.0
    monkeypatch.setattr(f"progress_app.transports.{service.kind}.TIMEOUT_S", 0.2)
    hasty = MAKERS[service.kind](service.url)
    service.hold()
    with pytest.raises(Unsent) as fault:
        hasty.send([state(1)])
    assert not any(secret in str(fault.value) for secret in SECRETS)
    service.recover()
    hasty.close()


def test_a_fault_nobody_foresaw_does_not_end_the_thread(service: Emulator, publish: Publish) -> None:
    publisher = publish()
    sends = publisher.transport.send
    failing = iter([ZeroDivisionError("by a fault of ours")])

    def send(messages: list[Message]) -> None:
        if fault := next(failing, None):
            raise fault
        sends(messages)

    publisher.transport.send = send  # type: ignore[assignment,method-assign]
    publisher.put(end(1))
    publisher.put(end(2))
    assert len(arrived(service, 1)) >= 1
