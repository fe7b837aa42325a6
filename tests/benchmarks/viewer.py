"""One viewer that reads what it gets: for figures that the crowd, which only counts, cannot tell."""

import http.client
import json
import threading
import time
from collections.abc import Callable
from typing import Any


class Viewer(threading.Thread):
    """Reads a stream until the server or `leave` ends it.

    Args:
        port: of a server on the loopback.
        path: what it asks for.
        see: called with each event's name, its data and the Unix time of its arrival.

    """

    def __init__(self, port: int, path: str, see: Callable[[str, Any, float], None]) -> None:
        super().__init__(daemon=True)
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._path = path
        self._see = see
        self.opened = threading.Event()

    def run(self) -> None:
        """Read."""
        self._http.request("GET", self._path, headers={"Accept": "text/event-stream"})
        name = ""
        try:
            for line in self._http.getresponse():
                if line.startswith(b"event: "):
                    name = line[7:].strip().decode()
                elif line.startswith(b"data: "):
                    self.opened.set()
                    self._see(name, json.loads(line[6:]), time.time())
        except (OSError, AttributeError, ValueError):
            return  # it has left

    def leave(self) -> None:
        """End the stream."""
        self._http.close()


def polls(port: int, path: str, count: int, headers: dict[str, str]) -> int:
    """Ask so many times on one connection; returns the last status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    status = 0
    for _ in range(count):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        status = answer.status
    connection.close()
    return status
