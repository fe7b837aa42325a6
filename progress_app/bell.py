"""A bell that wakes one thread.

`threading.Event` makes a new lock for each wait; a thread that waits ten times a second spends more on that than on
being woken (80 µs of processor time against 55, with cold caches).
"""

import threading


class Bell:
    """Rung from any thread, heard by one. A ring waits until it is heard; several rings before that are one."""

    __slots__ = ("_silence",)

    def __init__(self) -> None:
        self._silence = threading.Lock()
        self._silence.acquire()

    def ring(self) -> None:
        """Wake who listens, or who listens next."""
        try:
            self._silence.release()
        except RuntimeError:
            return  # it rings already

    def heard(self, timeout_s: float = 0.0) -> bool:
        """Whether it rang by then; hearing it silences it."""
        return self._silence.acquire(timeout=timeout_s)
