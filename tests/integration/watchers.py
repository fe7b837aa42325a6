"""Viewers of a task and its log who come back after each break, and what they have to complain about."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx

from progress_app.channels import log_channel, task_channel
from progress_app.sse import parse_positions
from tests.processes import until

AGAIN_S = 0.2  # a browser waits for `retry`, which is seconds
SILENT_S = 25.0  # no heartbeat for so long: the stream is dead


class Watcher(threading.Thread):
    """One of them.

    Attributes:
        complaints: a position that went back, entries that are missing without a word.
        resets: how often it was told that a log could not be continued.
        lines: log entries that it saw.
        current: how far the newest snapshot is.
        is_connected: whether a stream is open.
        has_ended: whether it saw the end.

    """

    def __init__(self, url: str, cookies: dict[str, str], task: str) -> None:
        super().__init__(daemon=True)
        self.complaints: list[str] = []
        self.resets = self.seen = self.opened = self.lines = self.current = 0
        self.has_ended = self.is_connected = False
        self._url, self._cookies = f"{url}/events/", cookies
        self._log = log_channel(task)
        self._query = httpx.QueryParams({"channel": [task_channel(task), self._log]})
        self._last_id = ""
        self._pos = 0
        self._log_pos: int | None = None  # None: anything may follow
        self._leaving = threading.Event()

    def run(self) -> None:
        """Watch to the end."""
        while not self.has_ended and not self._leaving.wait(AGAIN_S if self.opened else 0):
            with suppress(httpx.HTTPError):
                self._read()
            self.is_connected = False

    def leave(self) -> None:
        """Give up."""
        self._leaving.set()
        self.join(SILENT_S)

    def _read(self) -> None:
        headers = {"Last-Event-ID": self._last_id} if self._last_id else {}
        with (
            httpx.Client(cookies=self._cookies, timeout=SILENT_S) as http,
            http.stream("GET", self._url, params=self._query, headers=headers) as response,
        ):
            event: dict[str, str] = {}
            for line in response.iter_lines():
                if line:
                    name, _, value = line.partition(": ")
                    event[name] = value
                elif event:
                    self._take(event.get("event", ""), event)
                    event = {}
                if self.has_ended or self._leaving.is_set():
                    return

    def _take(self, name: str, event: dict[str, str]) -> None:
        self._last_id = event.get("id", self._last_id)
        if name == "stream-open":
            self.opened += 1
            self.is_connected = True
        elif name == "stream-reset":
            self.resets, self._log_pos = self.resets + 1, None
        elif name == "log":
            self._take_entry(parse_positions(event["id"])[self._log])
        elif name in ("progress", "complete"):
            self._take_state(json.loads(event["data"]))

    def _take_entry(self, pos: int) -> None:
        if self._log_pos is not None and pos != self._log_pos + 1:
            self.complaints.append(f"log entry {pos} after {self._log_pos}")
        self._log_pos = pos
        self.lines += 1

    def _take_state(self, shown: dict[str, Any]) -> None:
        self.seen += 1
        self.has_ended = shown["state"] in ("succeeded", "failed", "cancelled", "lost")
        if shown["pos"] < self._pos:
            self.complaints.append(f"state {shown['pos']} after {self._pos}")
        self._pos, self.current = shown["pos"], shown["current"]


@contextmanager
def watching(url: str, cookies: dict[str, str], task: str, viewers: int) -> Iterator[list[Watcher]]:
    """So many viewers, who have seen something; in the end all have seen the end, and nobody complains."""
    crowd = [Watcher(url, cookies, task) for _ in range(viewers)]
    for watcher in crowd:
        watcher.start()
    try:
        until(lambda: all(watcher.seen for watcher in crowd), what="the first snapshot for everybody")
        yield crowd
        until(lambda: all(watcher.has_ended for watcher in crowd), within_s=90, what="the end for everybody")
        assert [complaint for watcher in crowd for complaint in watcher.complaints] == []
    finally:
        for watcher in crowd:
            watcher.leave()
