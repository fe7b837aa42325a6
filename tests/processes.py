"""A real process for a test: started with a log file, waited for by a condition, ended by its pid."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count

from tests.environment import RUN

LOGS = RUN / "logs"
LOOK_EVERY_S = 0.02
READY_WITHIN_S = 60.0
END_WITHIN_S = 30.0
_numbers = count(1)


def until(condition: Callable[[], object], within_s: float = READY_WITHIN_S, what: str = "condition") -> None:
    """Wait until the condition holds; fail the test when it does not in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not hold within {within_s:g} s")
        time.sleep(LOOK_EVERY_S)


class Service:
    """One process of the stack, with a log of its own. `environment` is laid over the test's own environment."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.command = list(command)
        self.environment = dict(environment or {})
        LOGS.mkdir(parents=True, exist_ok=True)
        self.log = LOGS / f"{name}-{next(_numbers)}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The pid of the running process; fails when it was never started."""
        assert self._process is not None, f"{self.name} was not started"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self, ready: Callable[[], object]) -> None:
        """Start the process and wait until it is ready; it has a session, so that stop() reaches children."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                env=os.environ | self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until(lambda: ready() or not self.is_running, what=f"{self.name} ready (its log: {self.log})")
        assert self.is_running, f"{self.name} ended at once:\n{self.text()[-3000:]}"

    def text(self) -> str:
        """Return all that the process has written, over restarts."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process alone."""
        os.kill(self.pid, number)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let the process and what it started do nothing for a while."""
        os.killpg(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.pid, signal.SIGCONT)

    def stop(self, number: signal.Signals = signal.SIGTERM, within_s: float = END_WITHIN_S) -> int:
        """End the process (SIGKILL to its whole session when it does not end in time); return its code."""
        if self._process is None:
            return 0
        if self.is_running:
            self.send(number)
        try:
            return self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            return self._process.wait(END_WITHIN_S)

    def kill(self) -> None:
        """Kill the process and what it started, as a crash would."""
        if self.is_running:
            os.killpg(self.pid, signal.SIGKILL)
            assert self._process is not None
            self._process.wait(END_WITHIN_S)
