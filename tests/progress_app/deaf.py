"""A server that takes connections and says nothing, as a Redis that hangs."""

import socket
import threading
from contextlib import suppress

from tests.processes import until


class Deaf:
    """It listens at `url`, from its making to `close`."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listening.getsockname()[1]}/0"
        self._taken: list[socket.socket] = []
        self._marks = 0
        self._thread = threading.Thread(target=self._take)
        self._thread.start()

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                self._taken.append(self._listening.accept()[0])

    def asked(self) -> int:
        """How often somebody has connected so far; connections are taken in their order, so a last one tells."""
        with socket.create_connection(self._listening.getsockname()) as mark:
            self._marks += 1
            until(lambda: any(taken.getpeername() == mark.getsockname() for taken in self._taken), what="the mark")
        return len(self._taken) - self._marks

    def close(self) -> None:
        """End it."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for connection in [self._listening, *self._taken]:
            connection.close()
