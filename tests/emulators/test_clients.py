"""The emulators by the real client libraries of browsers, in a real one: they refuse what the services refuse."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from config import vendor
from progress_app.transports.ably import AblyTransport
from progress_app.transports.base import Message
from progress_app.transports.pusher import PusherTransport
from tests.emulators import ably_keys
from tests.emulators import pusher as pusher_emulator
from tests.emulators.service import Emulator
from tests.environment import BASE
from tests.processes import until

pytestmark = [pytest.mark.long, pytest.mark.deploy]  # they come from npm

TASK = "task-6f0c1d2e-3a4b-4c5d-8e6f-708192a3b4c5"
OTHER = "task-00000000-0000-4000-8000-000000000000"
PUSHER = """([port, key]) => {
  window.told = []; window.faults = []; window.stateOf = () => client.connection.state;
  const client = window.client = new Pusher(key, {
    cluster: "x", wsHost: "127.0.0.1", wsPort: port, forceTLS: false, enabledTransports: ["ws"],
    channelAuthorization: { customHandler: async ({ socketId, channelName }, answer) =>
      answer(null, { auth: await sign(socketId, channelName) }) },
  });
  client.connection.bind("error", (fault) => {
    const { code, message } = fault.data ?? fault.error.data;
    faults.push([code, message]);
  });
  window.join = (name) => client.subscribe(name).bind_global((event, data) => told.push([event, data]));
}"""
ABLY = """(port) => {
  window.told = []; window.faults = []; window.stateOf = () => client.connection.state;
  const client = window.client = new Ably.Realtime({
    endpoint: "127.0.0.1", port, tls: false, echoMessages: false,
    authCallback: async (_params, answer) => answer(null, await sign()),
  });
  client.connection.on(({ reason }) => reason && faults.push([(reason.cause ?? reason).code, reason.message]));
  window.join = (name) => client.channels.get(name, { params: { rewind: "1" } })
    .subscribe(({ name: event, data }) => told.push([event, data]))
    .catch(({ code, message }) => faults.push([code, message]));
}"""


def library(page: Page, name: str) -> None:
    kept = BASE / "var" / "vendor"
    vendor.install(kept)
    page.add_script_tag(path=Path(kept) / "static" / "vendor" / f"{name}.js")


def faults(page: Page) -> list[Any]:
    """The codes and texts of what went wrong so far."""
    found: list[Any] = page.evaluate("faults")
    return found


def wait(page: Page, condition: Callable[[], object], what: str, within_s: float = 20) -> None:
    def look() -> object:
        page.evaluate("0")  # one turn of Playwright's loop
        return condition()

    try:
        until(look, within_s, what)
    except AssertionError as error:
        error.add_note(f"{page.evaluate('stateOf()')}, told {page.evaluate('told')}, faults {faults(page)}")
        raise


def snapshot(percent: int) -> Message:
    return Message(TASK, percent, "progress", b'{"percent":%d}' % percent, is_state=True)


# pusher-js


@pytest.fixture
def to_pusher(pusher: Emulator) -> Iterator[PusherTransport]:
    made = PusherTransport(
        app_id=pusher_emulator.APP_ID, key=pusher_emulator.KEY, secret=pusher_emulator.SECRET, url=pusher.url
    )
    yield made
    made.close()


def pusher_js(page: Page, service: Emulator, sign: Callable[[str, str], str], key: str = pusher_emulator.KEY) -> None:
    """Connect, with signatures by `sign(socket_id, channel)`."""
    library(page, "pusher")
    page.expose_function("sign", sign)
    page.evaluate(PUSHER, [service.port, key])


def test_pusher_js_gets_the_last_event_at_once_and_the_next_ones(
    page: Page, pusher: Emulator, to_pusher: PusherTransport
) -> None:
    to_pusher.send([snapshot(1), snapshot(2)])
    pusher_js(page, pusher, lambda socket, name: to_pusher.sign(name, socket)["auth"])
    page.evaluate("(name) => join(name)", to_pusher.wire_name(TASK))
    events = "told.filter(([event]) => event === 'progress').map(([, { percent }]) => percent)"
    wait(page, lambda: page.evaluate(events) == [2], "the last event")
    to_pusher.send([snapshot(3)])
    wait(page, lambda: page.evaluate(events) == [2, 3], "the next event")


@pytest.mark.parametrize("forged", ["", "the-key:00", "{other}"])
def test_pusher_js_is_refused_with_a_forged_signature(
    page: Page, pusher: Emulator, to_pusher: PusherTransport, forged: str
) -> None:
    name = to_pusher.wire_name(TASK)
    pusher_js(
        page, pusher, lambda socket, _: forged.format(other=to_pusher.sign(f"private-cache-{OTHER}", socket)["auth"])
    )
    page.evaluate("(name) => join(name)", name)
    wait(page, lambda: "Invalid signature" in str(faults(page)), "the refusal")
    to_pusher.send([snapshot(1)])
    page.evaluate("new Promise((done) => { client.connection.bind('pong', done); setTimeout(done, 300); })")
    assert page.evaluate("told") == []


def test_pusher_js_is_refused_with_an_unknown_channel_and_an_unknown_key(
    page: Page, pusher: Emulator, to_pusher: PusherTransport
) -> None:
    pusher_js(page, pusher, lambda socket, name: f"{name}:{socket}")
    page.evaluate("join('a channel')")
    wait(page, lambda: "Invalid channel name" in str(faults(page)), "the refusal")
    page.evaluate(PUSHER, [pusher.port, "no-such-key"])
    wait(page, lambda: page.evaluate("stateOf()") == "disconnected", "the refused connection")
    assert faults(page)[-1][0] == 4001


# ably-js


@pytest.fixture
def to_ably(ably: Emulator) -> Iterator[AblyTransport]:
    made = AblyTransport(key=ably_keys.KEY, url=ably.url)
    yield made
    made.close()


def ably_js(page: Page, service: Emulator, sign: Callable[[], dict[str, Any]]) -> None:
    """Connect, with token requests by `sign()`."""
    library(page, "ably")
    page.expose_function("sign", sign)
    page.evaluate(ABLY, service.port)


@pytest.fixture
def at_ably(page: Page, ably: Emulator) -> Page:
    """Return a page of the emulator's own origin: the library asks it over HTTP."""
    page.goto(f"{ably.url}/time")
    return page


def test_ably_js_gets_the_last_message_at_once_and_the_next_ones(
    at_ably: Page, ably: Emulator, to_ably: AblyTransport
) -> None:
    to_ably.send([snapshot(1), snapshot(2)])
    ably_js(at_ably, ably, lambda: to_ably.token_request([TASK], user="1"))
    at_ably.evaluate("(name) => { join(name); }", TASK)
    events = "told.map(([, data]) => JSON.parse(data).percent)"
    wait(at_ably, lambda: at_ably.evaluate(events) == [2], "the last message")
    to_ably.send([snapshot(3)])
    wait(at_ably, lambda: at_ably.evaluate(events) == [2, 3], "the next message")


def test_ably_js_may_only_read_what_its_token_names(at_ably: Page, ably: Emulator, to_ably: AblyTransport) -> None:
    ably_js(at_ably, ably, lambda: to_ably.token_request([TASK], user="1"))
    at_ably.evaluate("(name) => { join(name); }", OTHER)
    wait(at_ably, lambda: [code for code, _ in faults(at_ably)] == [40160], "the refused channel")
    at_ably.evaluate(
        "(name) => { client.channels.get(name).publish('progress', '{}').catch(({ code }) => faults.push([code])); }",
        TASK,
    )
    wait(at_ably, lambda: [40160] in faults(at_ably), "the refused message")
    assert ably.received() == []


@pytest.mark.parametrize("change", [{"mac": "AAAA"}, {"capability": json.dumps({"*": ["*"]})}, {"clientId": "2"}])
def test_ably_js_is_refused_with_a_forged_token_request(
    at_ably: Page, ably: Emulator, to_ably: AblyTransport, change: dict[str, str]
) -> None:
    ably_js(at_ably, ably, lambda: to_ably.token_request([TASK], user="1") | change)
    at_ably.evaluate("(name) => { join(name); }", TASK)
    wait(at_ably, lambda: any(code == 40101 for code, _ in faults(at_ably)), "the refusal")
    assert at_ably.evaluate("stateOf()") != "connected"


def test_ably_js_cannot_use_a_token_request_twice(at_ably: Page, ably: Emulator, to_ably: AblyTransport) -> None:
    request = to_ably.token_request([TASK], user="1")
    ably_js(at_ably, ably, lambda: request)
    wait(at_ably, lambda: at_ably.evaluate("stateOf()") == "connected", "the first use")
    at_ably.evaluate(ABLY, ably.port)
    wait(at_ably, lambda: any(code == 40105 for code, _ in faults(at_ably)), "the refusal of the second")
