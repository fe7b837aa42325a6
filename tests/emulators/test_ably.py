"""The Ably emulator, by the real client library: REST, tokens and realtime."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from ably import AblyRealtime
from ably.sync import AblyRestSync
from ably.sync.util.exceptions import AblyException
from ably.types.channeloptions import ChannelOptions
from ably.util.exceptions import AblyException as RealtimeFault

from tests.emulators.ably_keys import KEY, KEY_NAME
from tests.emulators.service import Emulator

WITHIN_S = 20
_MADE: list[AblyRestSync] = []


def options(emulator: Emulator, **changes: Any) -> dict[str, Any]:
    usual = {"endpoint": "127.0.0.1", "port": emulator.port, "tls": False, "use_binary_protocol": False}
    return usual | {"key": KEY, "use_token_auth": True} | changes


def rest(emulator: Emulator, **changes: Any) -> AblyRestSync:
    made = AblyRestSync(**options(emulator, **changes))
    _MADE.append(made)
    return made


@pytest.fixture(autouse=True)
def _clients_are_closed() -> Iterator[None]:
    yield
    while _MADE:
        _MADE.pop().close()


@asynccontextmanager
async def realtime(emulator: Emulator, given: str) -> AsyncIterator[AblyRealtime]:
    """Connect with a token: the library writes no port into the socket's address, so it stands in the host."""
    client = AblyRealtime(
        token=given, endpoint=f"127.0.0.1:{emulator.port}", tls=False, use_binary_protocol=False, auto_connect=False
    )
    client.connect()
    try:
        async with asyncio.timeout(WITHIN_S):
            await client.connection.once_async("connected")
            yield client
    finally:
        await client.close()


def token(emulator: Emulator, **capability: list[str]) -> str:
    asked = {"capability": capability or {"*": ["*"]}}
    return str(rest(emulator).auth.request_token(asked).token)


def batch(client: AblyRestSync, *specs: dict[str, Any]) -> Any:
    return client.request("POST", "/messages", "2", body=list(specs))


def spec(channel: str, percent: int) -> dict[str, Any]:
    return {"channels": [channel], "messages": [{"name": "progress", "data": json.dumps({"percent": percent})}]}


async def test_a_message_reaches_who_is_attached(ably: Emulator) -> None:
    async with realtime(ably, await asyncio.to_thread(token, ably)) as client:
        told: asyncio.Queue[Any] = asyncio.Queue()
        await client.channels.get("a").subscribe(told.put_nowait)
        await asyncio.to_thread(batch, rest(ably), spec("a", 1), spec("b", 2))
        message = await told.get()
        assert (message.name, json.loads(message.data)) == ("progress", {"percent": 1})


async def test_rewind_gives_the_last_message_to_who_comes_late(ably: Emulator) -> None:
    await asyncio.to_thread(batch, rest(ably), spec("a", 1), spec("a", 2))
    async with realtime(ably, await asyncio.to_thread(token, ably)) as client:
        told: asyncio.Queue[Any] = asyncio.Queue()
        channel = client.channels.get("a", ChannelOptions(params={"rewind": "1"}))
        await channel.subscribe(told.put_nowait)
        message = await told.get()
        assert json.loads(message.data) == {"percent": 2}


async def test_a_channel_outside_the_capability_cannot_be_attached(ably: Emulator) -> None:
    given = await asyncio.to_thread(lambda: token(ably, a=["subscribe"]))
    async with realtime(ably, given) as client:
        await client.channels.get("a").attach()
        with pytest.raises(RealtimeFault, match="40160"):
            await client.channels.get("b").attach()


def test_who_may_only_subscribe_may_not_publish(ably: Emulator) -> None:
    reader = rest(ably, key=None, use_token_auth=None, token=token(ably, a=["subscribe", "history"]))
    with pytest.raises(AblyException) as refused:
        reader.channels.get("a").publish("progress", "{}")
    assert (refused.value.code, ably.received()) == (40160, [])


def test_a_message_published_by_itself_is_kept_in_the_history(ably: Emulator) -> None:
    client = rest(ably)
    client.channels.get("a").publish("progress", "{}")
    assert [message.name for message in client.channels.get("a").history().items] == ["progress"]


def test_a_token_request_is_redeemed_once(ably: Emulator) -> None:
    client = rest(ably)
    request = client.auth.create_token_request({"capability": {"a": ["subscribe"]}})
    client.http.post(f"/keys/{KEY_NAME}/requestToken", body=request.to_dict(), skip_auth=True)
    with pytest.raises(AblyException) as refused:
        client.http.post(f"/keys/{KEY_NAME}/requestToken", body=request.to_dict(), skip_auth=True)
    assert refused.value.code == 40105


@pytest.mark.parametrize(
    ("change", "code"), [({"mac": "AAAA"}, 40101), ({"capability": '{"*":["*"]}'}, 40101), ({"timestamp": 1}, 40101)]
)
def test_a_token_request_that_was_changed_is_refused(ably: Emulator, change: dict[str, Any], code: int) -> None:
    client = rest(ably)
    request = client.auth.create_token_request({"capability": {"a": ["subscribe"]}}).to_dict()
    with pytest.raises(AblyException) as refused:
        client.http.post(f"/keys/{KEY_NAME}/requestToken", body=request | change, skip_auth=True)
    assert refused.value.code == code


def test_a_clock_three_minutes_off_gets_no_token(ably: Emulator) -> None:
    client = rest(ably)
    stale = client.auth.create_token_request({"timestamp": client.time() - 180_000})
    with pytest.raises(AblyException) as refused:
        client.http.post(f"/keys/{KEY_NAME}/requestToken", body=stale.to_dict(), skip_auth=True)
    assert refused.value.code == 40104


@pytest.mark.parametrize("key", ["app.key:other", "app.other:the-secret"])
def test_a_wrong_key_is_401(ably: Emulator, key: str) -> None:
    with pytest.raises(AblyException) as refused:
        rest(ably, key=key).channels.get("a").publish("progress", "{}")
    assert (refused.value.status_code, ably.received()) == (401, [])


def test_a_batch_fails_in_part(ably: Emulator) -> None:
    answer = batch(rest(ably), spec("a", 1), spec("b", 1) | {"messages": [{"name": "e", "data": "x" * 70_000}]})
    assert (answer.status_code, answer.error_code) == (400, "40020")
    assert [message["channel"] for message in ably.received()] == ["a"]


def test_an_outage_refuses_everything(ably: Emulator) -> None:
    client = rest(ably)
    client.channels.get("a").publish("progress", "{}")
    ably.cut()
    with pytest.raises(AblyException) as refused:
        client.channels.get("a").publish("progress", "{}")
    assert refused.value.status_code == 503
