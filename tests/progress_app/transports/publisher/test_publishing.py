"""What is published to a hosted service: within its limits, the newest state, every end."""

from dataclasses import replace

import pytest

from progress_app.transports.base import Message, Transport
from tests.emulators.service import Emulator
from tests.processes import until
from tests.progress_app.doubles import TASK, Clock
from tests.progress_app.transports.conftest import (
    end,
    let_time_fly,
    state,
)
from tests.progress_app.transports.publisher.arrivals import Publish, arrived


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
    until(lambda: arrived(service, 1)[-1]["name"] == "complete", what="the end")
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


def test_closing_sends_the_ends_that_wait_whatever_the_rate(service: Emulator, publish: Publish) -> None:
    publisher = publish(per_s=1)
    for number in range(15):
        publisher.put(end(number))
    publisher.close()
    assert len(service.received()) == 15
