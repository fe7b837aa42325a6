"""Ties a process to its parent: `python leash.py SIGNAL PARENT COMMAND…` becomes COMMAND.

On Linux the kernel then sends SIGNAL when the parent ends, however it ends, so that a killed supervisor
leaves nothing running. An exec wrapper and not a preexec_fn, because that may deadlock beside threads. The
parent must start it from its main thread: the kernel counts the *thread* that forked as the parent.
Run as a file, without site-packages, so it costs 20 ms.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1


def tie(number: signal.Signals, parent: int) -> None:
    """Ask the kernel for the signal; end at once when the parent is gone already. Does nothing elsewhere."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:
            raise SystemExit(1)


def wrap(command: Sequence[str], number: signal.Signals) -> list[str]:
    """Return the command line that runs `command` tied to this process."""
    return [sys.executable, "-I", "-S", __file__, number.name, str(os.getpid()), *command]


if __name__ == "__main__":
    tie(signal.Signals[sys.argv[1]], int(sys.argv[2]))
    os.execv(sys.argv[3], sys.argv[3:])  # noqa: S606 - the supervisor's own child
