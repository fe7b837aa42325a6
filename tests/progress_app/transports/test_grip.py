"""What is published to a GRIP proxy, with a small server in its place, and what its faults are called."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from progress_app.exceptions import ProgressError
from progress_app.transports.base import Message, Refused, Rejected, Unsent
from progress_app.transports.grip import GripTransport
from tests.environment import free_port
from tests.progress_app.doubles import TASK

STATE = f"task-{TASK}"


class Proxy(ThreadingHTTPServer):
    """The control port of a proxy: keeps what it is given, or answers with `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Door)
        self.items: list[dict[str, Any]] = []
        self.status = 200
        self.url = f"http://127.0.0.1:{self.server_port}?iss=pushpin&key=the-key-of-the-proxy-xxxxxxxxxxxxxx"


class Door(BaseHTTPRequestHandler):
    server: Proxy

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.status == 200:
            self.server.items += body["items"]
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def transport(proxy: Proxy) -> Iterator[GripTransport]:
    made = GripTransport(url=proxy.url)
    yield made
    made.close()
    for client in made._proxy.clients:
        client.requests_session.close()


def content(item: dict[str, Any]) -> str:
    text: str = item["http-stream"]["content"]
    return text


def test_a_state_has_no_position_so_that_none_is_waited_for(transport: GripTransport, proxy: Proxy) -> None:
    transport.send([Message(STATE, 7, "progress", b'{"percent":1}', is_state=True)])
    [item] = proxy.items
    assert (item["channel"], item.get("id"), item.get("prev-id")) == (f"events-{STATE}", None, None)
    assert content(item) == 'event: progress\ndata: {"percent":1}\n\n'


def test_entries_name_the_one_before_and_keep_their_order(transport: GripTransport, proxy: Proxy) -> None:
    log = f"{STATE}.log"
    transport.send([Message(log, n, "log", b'{"pos":%d,"text":"100 %%"}' % n) for n in range(1, 31)])
    assert [(item["id"], item["prev-id"]) for item in proxy.items] == [(str(n), str(n - 1)) for n in range(1, 31)]
    assert content(proxy.items[0]) == 'event: log\nid: %I\ndata: {"text":"100 %%"}\n\n'


@pytest.mark.parametrize(("status", "meaning"), [(500, Unsent), (429, Unsent), (400, Rejected), (403, Refused)])
def test_a_fault_has_its_meaning_and_tells_no_secret(
    transport: GripTransport, proxy: Proxy, status: int, meaning: type[ProgressError]
) -> None:
    proxy.status = status
    with pytest.raises(meaning) as fault:
        transport.send([Message(STATE, 1, "progress", b"{}", is_state=True)])
    assert "key" not in str(fault.value)


def test_a_proxy_that_is_away_is_asked_again_later(transport: GripTransport) -> None:
    away = GripTransport(url=f"http://127.0.0.1:{free_port()}?key=the-key-of-the-proxy-xxxxxxxxxxxxxx")
    message = Message(STATE, 1, "progress", b"{}", is_state=True)
    with pytest.raises(Unsent) as fault:
        away.send([message])
    assert fault.value.messages == [message]
    away.close()


def test_rows_of_lists_are_not_carried(transport: GripTransport) -> None:
    assert transport.wire_name("tasks") is None
    assert transport.wire_name("user-1.tasks") is None
    assert transport.wire_name("news/today") == "events-news/today"
