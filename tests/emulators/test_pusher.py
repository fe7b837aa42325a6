"""The Pusher emulator, by the real client library and by a bare WebSocket."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pusher import Pusher
from pusher.errors import PusherBadAuth, PusherBadRequest, PusherBadStatus
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from tests.emulators.pusher import APP_ID, KEY, SECRET
from tests.emulators.service import Emulator

_MADE: list[Pusher] = []


def client(emulator: Emulator, **changes: Any) -> Pusher:
    usual = {"app_id": APP_ID, "key": KEY, "secret": SECRET, "host": "127.0.0.1", "port": emulator.port, "ssl": False}
    made = Pusher(**(usual | changes))
    _MADE.append(made)
    return made


WITHIN_S = 20.0


@pytest.fixture(autouse=True)
def _clients_are_closed() -> Iterator[None]:
    yield
    while _MADE:
        _MADE.pop()._pusher_client.http.session.close()


def socket(emulator: Emulator, key: str = KEY, query: str = "protocol=7") -> Connection:
    return connect(f"ws://127.0.0.1:{emulator.port}/app/{key}?{query}")


def heard(ws: Connection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(ws.recv(timeout=WITHIN_S))
    data = message.get("data")
    return message | ({"data": json.loads(data)} if isinstance(data, str) else {})


def subscribe(ws: Connection, channel: str, auth: str = "") -> None:
    ws.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": channel, "auth": auth}}))


def auth(ws: Connection, channel: str) -> str:
    text = f"{heard(ws)['data']['socket_id']}:{channel}"
    return f"{KEY}:{hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()}"


def test_an_event_reaches_the_subscriber_of_a_private_channel(pusher: Emulator) -> None:
    with socket(pusher) as ws:
        subscribe(ws, "private-a", auth(ws, "private-a"))
        assert heard(ws)["event"] == "pusher_internal:subscription_succeeded"
        client(pusher).trigger("private-a", "progress", {"percent": 5})
        assert heard(ws) == {"event": "progress", "channel": "private-a", "data": {"percent": 5}}


def test_a_late_subscriber_of_a_cache_channel_gets_the_last_event(pusher: Emulator) -> None:
    with socket(pusher) as ws:
        subscribe(ws, "private-cache-a", auth(ws, "private-cache-a"))
        heard(ws)
        assert heard(ws)["event"] == "pusher:cache_miss"
    for percent in (1, 2):
        client(pusher).trigger("private-cache-a", "progress", {"percent": percent})
    with socket(pusher) as ws:
        subscribe(ws, "private-cache-a", auth(ws, "private-cache-a"))
        heard(ws)
        assert heard(ws)["data"] == {"percent": 2}


@pytest.mark.parametrize("given", ["", "the-key:00", "other:00"])
def test_a_wrong_signature_is_refused_on_the_socket(pusher: Emulator, given: str) -> None:
    with socket(pusher) as ws:
        heard(ws)
        subscribe(ws, "private-a", given)
        assert "Invalid signature" in heard(ws)["data"]["message"]
        client(pusher).trigger("private-a", "progress", {})
        ws.send(json.dumps({"event": "pusher:ping"}))
        assert heard(ws)["event"] == "pusher:pong"


@pytest.mark.parametrize(
    ("key", "query", "code"), [("other", "protocol=7", 4001), (KEY, "protocol=3", 4007), (KEY, "", 4008)]
)
def test_a_connection_that_cannot_be_is_closed_with_its_code(pusher: Emulator, key: str, query: str, code: int) -> None:
    with socket(pusher, key, query) as ws:
        assert heard(ws)["data"]["code"] == code


def test_a_batch_of_ten_is_taken_and_one_of_eleven_refused(pusher: Emulator) -> None:
    batch = [{"channel": f"c{n}", "name": "e", "data": "{}"} for n in range(11)]
    client(pusher).trigger_batch(batch[:10])
    assert [event["channel"] for event in pusher.received()] == [f"c{n}" for n in range(10)]
    with pytest.raises(PusherBadRequest, match="Batch too large"):
        client(pusher).trigger_batch(batch)


@pytest.mark.parametrize("wrong", [{"secret": "other"}, {"key": "other"}])
def test_wrong_credentials_are_401(pusher: Emulator, wrong: dict[str, str]) -> None:
    with pytest.raises(PusherBadAuth):
        client(pusher, **wrong).trigger("c", "e", {})
    assert pusher.received() == []


def test_another_app_is_404(pusher: Emulator) -> None:
    with pytest.raises(PusherBadStatus, match="404"):
        client(pusher, app_id="2").trigger("c", "e", {})


def test_a_clock_that_is_eleven_minutes_off_is_401(pusher: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr("pusher.http.time.time", lambda: now - 660)
    with pytest.raises(PusherBadAuth, match="Timestamp expired"):
        client(pusher).trigger("c", "e", {})


def test_a_body_that_was_changed_on_the_way_is_401(pusher: Emulator) -> None:
    request = client(pusher)._pusher_client.trigger.make_request("c", "e", {})
    changed = request.body.replace(b'"c"', b'"d"')
    answer = httpx.post(request.url, content=changed, headers=request.headers)
    assert (answer.status_code, pusher.received()) == (401, [])


def test_ten_kilobytes_are_taken_and_one_byte_more_is_413(pusher: Emulator) -> None:
    client(pusher).trigger("c", "e", json.dumps("x" * (10 * 1024 - 2)))
    with pytest.raises(PusherBadStatus, match="413"):
        client(pusher).trigger("c", "e", json.dumps("ü" * 5120, ensure_ascii=False))


def test_a_fault_is_answered_until_it_is_lifted(pusher: Emulator) -> None:
    pusher.fail(429, "slow down")
    with pytest.raises(PusherBadStatus, match="429"):
        client(pusher).trigger("c", "e", {})
    pusher.recover()
    client(pusher).trigger("c", "e", {})
    assert (pusher.calls(), len(pusher.received())) == (2, 1)


def test_an_outage_cuts_the_sockets(pusher: Emulator) -> None:
    with socket(pusher) as ws:
        heard(ws)
        pusher.cut()
        with pytest.raises(ConnectionClosed, match="1012"):
            ws.recv(timeout=WITHIN_S)
    with pytest.raises(PusherBadStatus, match="503"):
        client(pusher).trigger("c", "e", {})
    pusher.mend()
    client(pusher).trigger("c", "e", {})
