"""What Ably alone does: bodies too large, tokens forgotten, batches taken in part."""

from dataclasses import replace

import pytest

from progress_app.transports.base import Refused, Rejected, Unsent
from tests.emulators.service import Emulator
from tests.progress_app.transports.conftest import (
    ably_transport,
    end,
    state,
)
from tests.progress_app.transports.publisher.arrivals import Publish, arrived


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
