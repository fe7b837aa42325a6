"""A job from the command line, with a real worker: in a terminal, in a pipe, and left by Ctrl-C."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from config.places import BASE
from progress_app.events import State
from tasks_app import lifecycle
from tasks_app.models import Task
from tests.stack import Stack, database_environment

BAR = "━"


class Terminal:
    """A terminal of 100 columns in which one of the project's commands runs."""

    def __init__(self, *words: str) -> None:
        self.own, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "NO_COLOR"}}
        self.command = subprocess.Popen(
            [sys.executable, "manage.py", *words], cwd=BASE, stdin=its, stdout=its, stderr=its, start_new_session=True,
            env=environment | database_environment() | {"TERM": "xterm-256color"},
        )  # fmt: skip
        os.close(its)
        self.text = ""

    def read(self, until: str = "") -> str:
        """Read on until this was shown, or to the end."""
        while not (until and until in self.text):
            try:
                piece = os.read(self.own, 65_536)
            except OSError:  # as Linux tells that nobody writes any more
                break
            self.text += piece.decode(errors="replace")
        assert until in self.text, self.text
        return self.text


@contextmanager
def terminal(*words: str) -> Iterator[Terminal]:
    opened = Terminal(*words)
    yield opened
    opened.command.wait(60)
    os.close(opened.own)


def test_a_job_is_started_and_followed_to_its_end(live: Stack, staff: User, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        call_command("run_job", "rehearsal", "steps=20", "seconds=1", "stages=2", watch=True)
    told = capsys.readouterr().out
    assert left.value.code == 0
    assert Task.objects.get().state == State.SUCCEEDED
    assert "Prepare" in told
    assert told.count("steps done") == 10
    assert "succeeded · 100 %" in told


def test_one_that_fails_says_why_and_by_its_status(
    live: Stack, staff: User, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        call_command("run_job", "rehearsal", "steps=5", "seconds=0", "fail_chance=100", watch=True)
    assert left.value.code == 1
    assert "failed on purpose" in capsys.readouterr().out


def test_in_a_terminal_bars_move_and_the_log_stands_above_them(live: Stack, staff: User) -> None:
    with terminal("run_job", "rehearsal", "steps=20", "seconds=1", "stages=2", "--watch") as shown:
        text = shown.read()
    assert shown.command.returncode == 0
    for told in (
        str(Task.objects.get().pk),
        "Rehearsal",
        "  Prepare",
        "  Load",
        "steps done",
        "succeeded · 100 %",
        BAR,
    ):
        assert told in text
    assert text.count("Rehearsal") > 2, "drawn again and again"
    assert text.rindex("steps done") < text.rindex("succeeded")


def test_ctrl_c_ends_the_watching_and_not_the_task(live: Stack, staff: User) -> None:
    with terminal("run_job", "rehearsal", "steps=2000", "seconds=60", "--watch") as shown:
        shown.read(until="running")
        shown.command.send_signal(signal.SIGINT)
        text = shown.read()
    task = Task.objects.get()
    assert shown.command.returncode == 130
    assert f"The task goes on. To follow it again: manage.py watch {task.pk}" in text
    assert "Traceback" not in text
    assert task.state == State.RUNNING
    lifecycle.cancel(task, user=staff)
    with terminal("watch", str(task.pk)) as shown:
        shown.read(until="cancelled")
    assert shown.command.returncode == 3


def test_in_a_pipe_there_are_plain_lines(live: Stack, staff: User) -> None:
    words = [sys.executable, "manage.py", "run_job", "rehearsal", "steps=20", "seconds=1", "--watch"]
    ended = subprocess.run(
        words,
        cwd=BASE,
        env=os.environ | database_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "\x1b" not in ended.stdout
    assert BAR not in ended.stdout
    assert "succeeded · 100 %" in ended.stdout.splitlines()[-1]
