"""What reaches the service, and what a service that fails does to whoever publishes: nothing."""

import logging
import math
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from progress_app.breaker import Condition
from progress_app.publisher import Publisher
from progress_app.transports.base import Message, Refused, Rejected, Transport, Unsent
from tests.emulators.service import Emulator
from tests.processes import until
from tests.progress_app.doubles import TASK, Clock
from tests.progress_app.transports.conftest import (
    FLAGS,
    MAKERS,
    ably_transport,
    end,
    let_time_fly,
    pusher_transport,
    state,
)

SECRETS = ("the-secret", "auth_signature")
Publish = Callable[..., Publisher]


@pytest.fixture(autouse=True)
def _no_secret_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    logged = "\n".join(record.getMessage() + str(record.exc_text or "") for record in caplog.get_records("call"))
    assert not any(secret in logged for secret in SECRETS)


def arrived(service: Emulator, count: int) -> list[dict[str, Any]]:
    until(lambda: len(service.received()) >= count, 20, f"{count} messages at {service.kind}")
    return service.received()


def test_a_snapshot_arrives_with_its_event_and_channel(service: Emulator, publish: Publish) -> None:
    publish().put(state(42))
    message = arrived(service, 1)[0]
    prefix = "private-cache-" if service.kind == "pusher" else ""
    assert (message["channel"], message["name"]) == (f"{prefix}task-{TASK}", "progress")
    assert message["data"] == {"percent": 42}


def test_what_comes_faster_than_the_rate_is_conflated_and_the_end_arrives(service: Emulator, publish: Publish) -> None:
    publisher = publish(per_s=5)
    for percent in range(100):
        publisher.put(state(percent))
    publisher.put(state(100, event="complete", is_end=True))
    until(lambda: arrived(service, 1)[-1]["name"] == "complete", 20, "the end")
    assert len(service.received()) <= 3


def test_every_end_of_two_hundred_tasks_arrives_once(service: Emulator, publish: Publish) -> None:
    publisher = publish()
    for number in range(200):
        publisher.put(end(number))
    channels = {message["channel"] for message in arrived(service, 200)}
    assert (len(channels), len(service.received())) == (200, 200)
    assert service.calls() <= 40


def test_no_second_brings_more_than_the_rate_and_every_end_arrives(service: Emulator, publish: Publish) -> None:
    publisher, clock = publish(per_s=10), Clock()
    let_time_fly(publisher, clock)
    sends, sent_s = publisher.transport.send, list[float]()

    def send(messages: list[Message]) -> None:
        sent_s.extend([clock.now] * len(messages))
        sends(messages)

    publisher.transport.send = send  # type: ignore[assignment,method-assign]
    for number in range(200):
        publisher.put(end(number))
    assert len({message["channel"] for message in arrived(service, 200)}) == 200
    assert max(sum(since <= at < since + 1 for at in sent_s) for since in sent_s) == 10


def test_messages_travel_in_batches_of_the_service_s_size(service: Emulator, publish: Publish) -> None:
    publisher = publish()
    service.hold()
    for number in range(20):
        publisher.put(end(number))
    service.recover()
    arrived(service, 20)
    assert service.calls() <= 4


def test_a_full_batch_of_the_longest_messages_is_taken(service: Emulator, transport: Transport) -> None:
    longest = ('{"m":"' + "ü" * (transport.limit_bytes // 2 - 4) + '"}').encode()
    assert len(longest) == transport.limit_bytes
    transport.send([replace(end(number), data=longest) for number in range(transport.batch)])
    assert (service.calls(), len(service.received())) == (1, transport.batch)


def test_what_is_too_long_is_replaced_by_a_reference(service: Emulator, publish: Publish) -> None:
    publisher = publish()
    publisher.put(state(1, data=b'{"message":"' + "ü".encode() * publisher.transport.limit_bytes + b'"}'))
    told = arrived(service, 1)[0]["data"]
    assert told == {"v": 1, "task": TASK, "pos": 1, "ref": f"/tasks/{TASK}/"}


def test_the_limit_counts_bytes_and_not_characters(service: Emulator, publish: Publish) -> None:
    publisher = publish()
    fits = publisher.transport.limit_bytes // 2 - 10
    publisher.put(state(1, data=('{"m":"' + "ü" * fits + '"}').encode()))
    assert arrived(service, 1)[0]["data"] == {"m": "ü" * fits}


@pytest.mark.parametrize("channel", ["tasks", "user-1.tasks", "ops", "two words"])
def test_channels_of_lists_are_not_carried(service: Emulator, publish: Publish, channel: str) -> None:
    publisher = publish()
    publisher.put(state(1, channel=channel))
    publisher.put(state(2))
    assert len(arrived(service, 1)) == 1


# A service that fails


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_fault_that_passes_is_waited_out_and_the_newest_state_sent(
    service: Emulator, publish: Publish, status: int
) -> None:
    publisher = publish()
    service.fail(status, "later")
    publisher.put(state(1))
    until(lambda: service.calls() >= 1, 20, "a try")
    publisher.put(state(2))
    service.recover()
    assert [message["data"] for message in arrived(service, 1)] == [{"percent": 2}]


def test_the_flag_is_raised_after_three_faults_and_taken_back(service: Emulator, publish: Publish) -> None:
    publisher = publish()
    publisher.breaker._jitter = lambda: 0.0
    service.fail(500)
    publisher.put(state(1))
    until(lambda: FLAGS == [Condition.AWAY], 20, "the flag")
    assert service.calls() == 3
    service.recover()
    until(lambda: FLAGS == [Condition.AWAY, Condition.WORKS], 20, "the flag taken back")
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
    until(lambda: FLAGS == [Condition.REFUSES], 20, "the flag")
    service.recover()
    publisher.put(state(2))
    assert (publisher.breaker.wait_s(), service.calls(), service.received()) == (math.inf, 1, [])


def test_messages_that_the_service_will_never_take_are_dropped(service: Emulator, publish: Publish) -> None:
    publisher = publish()
    service.fail(400, "bad")
    publisher.put(state(1))
    until(lambda: service.calls() == 1, 20, "the try")
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
        until(lambda: publisher.breaker.is_broken, 20, "the circuit open")
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
    until(lambda: publisher.breaker.is_broken, 20, "the circuit open")
    publisher.put(state(2))
    assert (FLAGS, service.received()) == ([Condition.REFUSES], [])
    assert "this machine's clock" in caplog.text


def test_a_refused_connection_passes(service: Emulator, publish: Publish) -> None:
    publisher = publish()
    service.stop()
    publisher.put(state(1))
    until(lambda: publisher.breaker.wait_s() > 0, 20, "a fault")
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
    until(lambda: service.calls() == 1, 20, "the call that is held")
    for percent in range(1_000):
        publisher.put(state(percent))
    assert service.received() == []  # the thousand were put while the service had not answered
    service.recover()


def test_an_answer_that_does_not_come_is_a_fault_after_two_seconds(service: Emulator, transport: Transport) -> None:
    service.hold()
    with pytest.raises(Unsent) as fault:
        transport.send([state(1)])
    assert not any(secret in str(fault.value) for secret in SECRETS)
    service.recover()


def test_closing_sends_the_ends_that_wait_whatever_the_rate(service: Emulator, publish: Publish) -> None:
    publisher = publish(per_s=1)
    for number in range(15):
        publisher.put(end(number))
    publisher.close()
    assert len(service.received()) == 15


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


def test_too_much_for_a_body_is_refused_by_ably(ably: Emulator) -> None:
    transport = ably_transport(ably.url)
    longest = b'"' + b"x" * 60_000 + b'"'
    with pytest.raises(Refused, match="413"):
        transport.send([replace(end(number), data=longest) for number in range(40)])
    transport.close()
    assert ably.received() == []


def test_a_token_that_ably_forgot_is_renewed_and_nothing_is_lost(ably: Emulator, publish: Publish) -> None:
    publisher = publish(ably_transport(ably.url))
    publisher.put(end(1))
    arrived(ably, 1)
    ably.renew()  # and with it the token
    publisher.put(end(2))
    assert [message["channel"] for message in arrived(ably, 1)] == [end(2).channel]


def test_a_token_that_cannot_be_renewed_is_tried_again_later(ably: Emulator) -> None:
    transport = ably_transport(ably.url)
    transport.send([end(1)])
    transport._client.auth.authorize = lambda: 1 / 0
    ably.renew()
    with pytest.raises(Unsent, match="new token"):
        transport.send([end(2)])
    transport.close()


def test_a_batch_that_ably_takes_in_part_is_sent_again_in_part(ably: Emulator) -> None:
    transport = ably_transport(ably.url)
    with pytest.raises(Rejected):
        transport.send([state(1), state(2, channel="too-long", data=b'"' + b"x" * 70_000 + b'"')])
    transport.close()
    assert [message["data"] for message in ably.received()] == [{"percent": 1}]
