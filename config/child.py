"""One process under the supervisor: started on a leash, revived when it died, ended with all it started."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from config import leash

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
HEALTHY_AFTER_S = 60.0  # a child that lived so long starts again with the first delay


@dataclass(slots=True, kw_only=True)
class Backoff:
    """How long to wait before a start: twice as long each time, up to a cap, and never quite the same."""

    random: Callable[[], float] = random.random
    _failures: int = field(default=0, init=False)

    def next_delay_s(self, lived_s: float) -> float:
        """Return the seconds to wait after a child that lived so long: the step, less up to half of it."""
        self._failures = 1 if lived_s >= HEALTHY_AFTER_S else self._failures + 1
        step = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** (self._failures - 1))
        return step * (0.5 + self.random() / 2)


@dataclass(slots=True, kw_only=True)
class Child:
    """A process by name. `on_orphaned` is what the kernel sends it when the supervisor was killed."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    on_orphaned: signal.Signals = signal.SIGTERM
    backoff: Backoff = field(default_factory=Backoff)
    clock: Callable[[], float] = time.monotonic
    inherited: tuple[int, ...] = ()
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    _started_at: float = field(default=0.0, init=False)
    _due_at: float | None = field(default=None, init=False)

    @property
    def pid(self) -> int | None:
        """The pid of the last start; None before the first."""
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process; from the main thread only (see leash). It gets no Ctrl-C of the terminal."""
        self._due_at = None
        self._started_at = self.clock()
        self._process = subprocess.Popen(  # noqa: S603 - the supervisor's own words
            leash.wrap(self.command, self.on_orphaned),
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=self.inherited,
        )

    def revive(self, say: Callable[[str], None]) -> None:
        """Notice a death, say it, and start again when its delay is over; call it again and again."""
        if self._process is None or self.is_running:
            return
        if self._due_at is None:
            lived_s = self.clock() - self._started_at
            delay_s = self.backoff.next_delay_s(lived_s)
            self._due_at = self.clock() + delay_s
            self._end_group()
            say(f"{self.name} {_ending(self._process.returncode)}; it is started again in {delay_s:.1f} s.")
        elif self.clock() >= self._due_at:
            self.start()
            say(f"{self.name} runs again (pid {self.pid}).")

    def ask_to_end(self) -> None:
        """Send SIGTERM; come back at once."""
        if self._process is not None and self.is_running:
            self._process.terminate()

    def end_by(self, deadline: float) -> bool:
        """Wait until the deadline of `clock`, then kill what is left; return whether that was not needed."""
        if self._process is None:
            return True
        try:
            self._process.wait(max(0.0, deadline - self.clock()))
        except subprocess.TimeoutExpired:
            self._end_group()
            self._process.wait()
            return False
        self._end_group()
        return True

    def _end_group(self) -> None:
        """Kill what the child started and left behind: its process group is its own."""
        if self.pid:
            # Nothing may be left of it; macOS answers EPERM for a group of zombies.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)


def python(*arguments: str) -> list[str]:
    """Return a command line of this environment's Python."""
    return [sys.executable, *arguments]


def _ending(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
