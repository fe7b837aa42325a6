"""Somebody who watches a batch over the real stream, comes back after each break, and notes every end."""

import json
import logging
import threading
from collections.abc import Sequence
from contextlib import suppress

import httpx

AGAIN_S = 0.2  # a browser waits for `retry`, which is seconds
SILENT_S = 10.0  # no heartbeat for so long: the stream is dead

logging.getLogger("httpx").setLevel(logging.WARNING)  # an address of forty tasks is long


class Viewer:
    """A thread with one stream of all tasks of a batch.

    Args:
        url: the server's.
        session: the session's key.
        tasks: which to watch, at most 50.

    """

    def __init__(self, url: str, session: str, tasks: Sequence[str]) -> None:
        self.ends: dict[str, str] = {}  # the state in which each task ended, as it was told
        self._url = f"{url}/events/"
        self._cookies = {"sessionid": session}
        self._query = httpx.QueryParams({"channel": [f"task-{task}" for task in tasks]})
        self._last_id = ""
        self._present = threading.Event()
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="viewer", daemon=True)
        self.come_back()
        self._thread.start()

    def go_away(self) -> None:
        """Close the stream, and open none until `come_back`."""
        self._present.clear()

    def come_back(self) -> None:
        """Open a stream again, with the last id that was seen."""
        self._present.set()

    def leave(self) -> None:
        """End the thread."""
        self._leaving.set()
        self._present.set()
        self._thread.join(SILENT_S * 3)

    def _watch(self) -> None:
        while not self._leaving.is_set():
            self._present.wait()
            with suppress(httpx.HTTPError):
                self._read()
            self._leaving.wait(AGAIN_S)

    def _read(self) -> None:
        headers = {"Last-Event-ID": self._last_id} if self._last_id else {}
        with (
            httpx.Client(cookies=self._cookies, timeout=SILENT_S) as http,
            http.stream("GET", self._url, params=self._query, headers=headers) as response,
        ):
            if response.status_code == httpx.codes.NO_CONTENT:  # the server says: you have seen every end
                self._leaving.set()
            event: dict[str, str] = {}
            for line in response.iter_lines():
                if self._leaving.is_set() or not self._present.is_set():
                    return
                if line:
                    name, _, value = line.partition(": ")
                    event[name] = value
                else:
                    self._note(event)
                    event = {}

    def _note(self, event: dict[str, str]) -> None:
        self._last_id = event.get("id", self._last_id)
        if event.get("event") == "complete":
            data = json.loads(event["data"])
            self.ends[data["task"]] = data["state"]
