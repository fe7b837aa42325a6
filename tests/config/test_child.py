import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.child import HEALTHY_AFTER_S, LONGEST_DELAY_S, Backoff, Child, python
from tests.processes import until

WAITING = python("-c", "import signal; signal.pause()")


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def child(clock: Clock) -> Iterator[Child]:
    made = Child(name="waiter", command=WAITING, clock=clock, backoff=Backoff(random=lambda: 1.0))
    made.start()
    yield made
    made.ask_to_end()
    made.end_by(clock.now_s + 5)


def test_the_delay_doubles_up_to_its_cap() -> None:
    backoff = Backoff(random=lambda: 1.0)
    delays = [backoff.next_delay_s(0.1) for _ in range(9)]
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert LONGEST_DELAY_S == 30


def test_a_child_that_lived_long_starts_with_the_first_delay_again() -> None:
    backoff = Backoff(random=lambda: 1.0)
    for _ in range(5):
        backoff.next_delay_s(0.1)
    assert backoff.next_delay_s(HEALTHY_AFTER_S) == 0.5


def test_the_delay_is_never_below_half_its_step() -> None:
    assert Backoff(random=lambda: 0.0).next_delay_s(0.1) == 0.25


def test_a_killed_child_is_started_again_after_its_delay(child: Child, clock: Clock) -> None:
    said: list[str] = []
    first = child.pid
    assert first
    child.revive(said.append)
    assert said == []
    os.kill(first, signal.SIGKILL)
    until(lambda: not child.is_running)
    child.revive(said.append)
    assert said == ["waiter was ended by SIGKILL; it is started again in 0.5 s."]
    child.revive(said.append)
    assert len(said) == 1
    clock.now_s += 0.5
    child.revive(said.append)
    assert said[1:] == [f"waiter runs again (pid {child.pid})."]
    assert child.pid != first


def test_an_exit_code_is_said(clock: Clock) -> None:
    said: list[str] = []
    failing = Child(name="failing", command=python("-c", "raise SystemExit(3)"), clock=clock)
    failing.start()
    until(lambda: not failing.is_running)
    failing.revive(said.append)
    assert said[0].startswith("failing ended with exit code 3; it is started again in 0.")


def test_a_child_that_will_not_end_is_killed(clock: Clock, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    stubborn = (
        "import pathlib, signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"pathlib.Path({str(ready)!r}).touch(); signal.pause()"
    )
    child = Child(name="stubborn", command=python("-c", stubborn), clock=clock)
    child.start()
    until(ready.exists)
    child.ask_to_end()
    assert child.end_by(clock.now_s + 0.05) is False
    assert not child.is_running


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_a_child_whose_parent_is_gone_does_not_start() -> None:
    tying = f"import signal; from config import leash; leash.tie(signal.SIGTERM, {os.getpid()}); print('tied')"
    mine = subprocess.run(python("-c", tying), check=False, capture_output=True, text=True)
    assert mine.stdout == "tied\n"
    orphaned = tying.replace(str(os.getpid()), "999999999")
    assert subprocess.run(python("-c", orphaned), check=False).returncode == 1
