"""Opens a real stream as a program would, sends ticks behind it and notes when they arrive.

The stream is read in this thread; a second one sends, from the moment that the answer has begun, or a little later
where it does not come: what a proxy holds back may come with what is sent.
"""

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Self
from urllib.parse import SplitResult, urlsplit

from progress_app.exceptions import BackendUnavailable
from tasks_app.diagnosis import TICK_EVERY_S, TICKS, Trial

SILENCE_S: Final = 5.0  # longer than all the ticks take, shorter than a heartbeat
OPENS_WITHIN_S: Final = 2.0
EVENT: Final = "doctor"
QUIET_HEARTBEATS: Final = 2.5


@dataclass(slots=True)
class _Notes:
    """What was seen so far, as of `Trial`."""

    arrived_s: list[float] = field(default_factory=list)
    skew_s: float | None = None
    heartbeat_s: float = 0.0

    def read(self, line: bytes, event: bytes) -> None:
        """Note a data line of an event."""
        now_s = time.monotonic()
        if event == EVENT.encode():
            self.arrived_s.append(now_s)
        elif event == b"stream-open":
            told = json.loads(line)
            self.skew_s, self.heartbeat_s = told["now"] - time.time(), float(told["heartbeat_s"])


class Ticker:
    """Sends the ticks in a thread of its own; `tick(number)` sends one."""

    def __init__(self, tick: Callable[[int], object]) -> None:
        self._tick = tick
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.opened = threading.Event()
        self.sent_s: list[float] = []

    def __enter__(self) -> Self:
        """Start it."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for its end."""
        self.opened.set()
        self._thread.join()

    def _run(self) -> None:
        self.opened.wait(OPENS_WITHIN_S)
        pause = threading.Event()
        for number in range(TICKS):
            self.sent_s.append(time.monotonic())
            try:
                self._tick(number)
            except BackendUnavailable:
                return  # the finding about Redis says so, and the tick counts as missing
            pause.wait(TICK_EVERY_S)


def attempt(url: str, tick: Callable[[int], object], *, is_long: bool = False) -> Trial:
    """Open the stream at `url` (absolute, with its token), send ticks and note what comes.

    Args:
        url: http or https.
        tick: sends the event `doctor` to the stream's channel.
        is_long: also wait for two heartbeats in a quiet stream.

    """
    address = urlsplit(url)
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.netloc, timeout=SILENCE_S)
    try:
        connection.connect()
        return _tried(connection, address, tick, is_long=is_long)
    except (OSError, http.client.HTTPException) as fault:
        return Trial(fault=str(fault) or type(fault).__name__)
    finally:
        connection.close()


def _tried(
    connection: http.client.HTTPConnection, address: SplitResult, tick: Callable[[int], object], *, is_long: bool
) -> Trial:
    notes = _Notes()
    with Ticker(tick) as ticker:
        response = _answer(connection, f"{address.path}?{address.query}")
        ticker.opened.set()
        stream = response if response is not None and response.status == http.client.OK else None
        if stream is not None:
            _read(stream, notes, until=lambda: len(notes.arrived_s) == TICKS)
    seen = _seen(response, ticker.sent_s, notes)
    if stream is None:
        return seen
    seen = replace(seen, protocol=_protocol(address))
    return replace(seen, tried_quiet=True, cut_after_s=_cut_after_s(connection, stream, notes)) if is_long else seen


def _answer(connection: http.client.HTTPConnection, path: str) -> http.client.HTTPResponse | None:
    """The beginning of the answer, None when it does not come in time."""
    headers = {"Accept": "text/event-stream", "Accept-Encoding": "gzip"}  # a browser would be compressed for
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse()
    except TimeoutError:
        return None


def _seen(response: http.client.HTTPResponse | None, sent_s: list[float], notes: _Notes) -> Trial:
    got = {name.lower(): value for name, value in response.getheaders()} if response else {}
    return Trial(
        status=response.status if response else None,
        headers=got,
        sent_s=tuple(sent_s),
        arrived_s=tuple(notes.arrived_s),
        skew_s=notes.skew_s,
    )


def _read(response: http.client.HTTPResponse, notes: _Notes, until: Callable[[], bool]) -> bool:
    """Read on; whether the stream is still open then."""
    event = b""
    try:
        while not until():
            line = response.readline()
            if not line:
                return False
            name, _, value = line.rstrip(b"\r\n").partition(b": ")
            if name == b"event":
                event = value
            elif name == b"data":
                notes.read(value, event)
    except (OSError, http.client.HTTPException):
        return False
    return True


def _cut_after_s(
    connection: http.client.HTTPConnection, response: http.client.HTTPResponse, notes: _Notes
) -> float | None:
    begun_s = time.monotonic()
    end_s = begun_s + QUIET_HEARTBEATS * notes.heartbeat_s
    if connection.sock:
        connection.sock.settimeout(2 * notes.heartbeat_s or SILENCE_S)
    is_open = _read(response, notes, until=lambda: time.monotonic() >= end_s)
    return None if is_open else time.monotonic() - begun_s


def _protocol(address: SplitResult) -> str:
    """What the server would speak with a browser."""
    if address.scheme != "https":
        return "http/1.1"
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    place = (address.hostname or "", address.port or http.client.HTTPS_PORT)
    try:
        with (
            socket.create_connection(place, SILENCE_S) as plain,
            context.wrap_socket(plain, server_hostname=place[0]) as secure,
        ):
            return secure.selected_alpn_protocol() or "http/1.1"
    except OSError:
        return "http/1.1"
