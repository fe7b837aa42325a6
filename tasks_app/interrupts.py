"""Signals that stop a job, let through to its body alone.

1. A worker that stops tells its pool by a signal, and Python turns that into an exception at whatever line runs. That
   is right within the job's own function; between the claim and the job, or while the end is written, it would leave
   a task to nobody until its lease runs out. So there the signal is noted, and obeyed as soon as all is written.
2. A job that makes no progress call is reached by a signal of our own, which also ends a call that waits.
3. Both only in the process of a prefork pool: there one job has the process and its main thread to itself. Other
   pools share theirs, and what is raised there could hit anybody.
"""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from billiard.common import TERM_SIGNAL
from billiard.process import current_process

FORCE_SIGNAL: Final = signal.SIGUSR2
MAIN_PROCESS: Final = "MainProcess"


def owns_process() -> bool:
    """Whether the job that runs here has this process to itself."""
    return current_process().name != MAIN_PROCESS and threading.current_thread() is threading.main_thread()


class Interrupts:
    """The signals of one attempt."""

    def __init__(self) -> None:
        self._is_own = owns_process()
        self._in_body = False
        self._is_stopping = False
        self._reason: BaseException | None = None

    @contextmanager
    def guarded(self) -> Generator[None]:
        """Note the signals for the length of the block; raises SystemExit at its end if the worker stops."""
        if not self._is_own:
            yield
            return
        former = {
            TERM_SIGNAL: signal.signal(TERM_SIGNAL, self._on_stop),
            FORCE_SIGNAL: signal.signal(FORCE_SIGNAL, self._on_force),
        }
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)
            if self._is_stopping:
                signal.raise_signal(TERM_SIGNAL)

    @contextmanager
    def body(self) -> Generator[None]:
        """Let the signals through for the length of the block.

        Raises:
            RuntimeError: the job itself called `sys.exit()`; handed back for that it would run again for ever.

        """
        self._in_body = True
        try:
            self._obey()
            yield
        except SystemExit as exit_:
            if self._is_stopping:
                raise
            raise RuntimeError("The job called sys.exit(): return instead, or raise JobError.") from exit_
        finally:
            self._in_body = False

    def _obey(self) -> None:
        if self._is_stopping:
            raise SystemExit

    def throw(self, reason: BaseException) -> bool:
        """Raise it in the body, from another thread; False: the process is not the job's own."""
        if self._is_own:
            self._reason = reason
            signal.pthread_kill(threading.main_thread().ident or 0, FORCE_SIGNAL)
        return self._is_own

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._is_stopping = True
        if self._in_body:
            self._in_body = False  # once: its `finally` blocks are not interrupted
            raise SystemExit

    def _on_force(self, _number: int, _frame: FrameType | None) -> None:
        reason, self._reason = self._reason, None
        if reason is not None and self._in_body:
            raise reason
