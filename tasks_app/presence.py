"""Which workers are there: each says so in Redis every few seconds, also while it runs nothing.

The database names who runs what; a worker with nothing to do is in no row. It says so from a thread of its own, so
that neither a job nor a Redis that hangs is in its way.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from progress_app import connections
from progress_app.exceptions import BackendUnavailable

ROSTER: Final = "workers"
TELL_EVERY_S: Final = 5.0
SILENT_AFTER_S: Final = 3 * TELL_EVERY_S

logger = logging.getLogger(__name__)


class Presence:
    """Says that a worker is there, from `begin` to `end`.

    Args:
        clock: the Unix time in seconds.

    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._leaving = threading.Event()

    def begin(self, worker: str) -> None:
        """Say so from now on."""
        self._leaving.clear()
        threading.Thread(target=self._run, args=(worker,), name="presence", daemon=True).start()

    def end(self, worker: str) -> None:
        """Say that it has gone."""
        self._leaving.set()
        try:
            connections.shelf().sign_out(ROSTER, worker)
        except BackendUnavailable:
            logger.info("Worker %s is forgotten in %d s.", worker, SILENT_AFTER_S)

    def _run(self, worker: str) -> None:
        while True:
            self.tell(worker)
            if self._leaving.wait(TELL_EVERY_S):
                return

    def tell(self, worker: str) -> None:
        """Say it once."""
        try:
            connections.shelf().sign_in(ROSTER, worker, self._clock())
        except BackendUnavailable as error:
            logger.debug("Worker %s could not say that it is there: %s", worker, error)

    def present(self) -> list[str]:
        """The names of those who said so lately; nobody while Redis is away. The others are forgotten."""
        shelf = connections.shelf()
        try:
            told = shelf.roster(ROSTER)
            gone = [name for name, at in told.items() if self._clock() - at > SILENT_AFTER_S]
            for name in gone:
                shelf.sign_out(ROSTER, name)
        except BackendUnavailable:
            return []
        return sorted(told.keys() - gone)


_presence = Presence()
begin = _presence.begin
end = _presence.end
present = _presence.present
