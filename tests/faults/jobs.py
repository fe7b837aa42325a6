"""Jobs of a batch: each step of each attempt is a line in a journal.

A worker of tests/stack.py imports this module.
"""

import io
import select
from pathlib import Path
from typing import Any

from django import forms

from tasks_app.registry import JobError, job
from tests.faults.journal import write

PIECE_S = 0.02
FILE_BYTES = 20_000
FOR_EVER = 100_000  # times: longer than any round waits


class StepsForm(forms.Form):
    journal = forms.CharField()
    steps = forms.IntegerField()


def walk(progress: Any, journal: str, steps: int) -> None:
    """Report after each step; a body that was frozen goes on where it was."""
    path, identity = Path(journal), progress._identity
    write(path, "begin", identity.task, identity.attempt)
    for _ in range(steps):
        select.select([], [], [], PIECE_S)  # under faketime `time.sleep` is refused
        progress.advance()
        write(path, "step", identity.task, identity.attempt)
    write(path, "done", identity.task, identity.attempt)


@job(title="Walk", form=StepsForm)
def walks(progress: Any, *, journal: str, steps: int) -> None:
    """Walk to the end, as often as it takes."""
    walk(progress, journal, steps)


@job(title="Walk once", form=StepsForm, restartable=False)
def walks_once(progress: Any, *, journal: str, steps: int) -> None:
    """Walk, and be lost rather than walk again."""
    walk(progress, journal, steps)


@job(title="Stumble", form=StepsForm)
def stumbles(progress: Any, *, journal: str, steps: int) -> None:
    """Walk, and fail at the end."""
    walk(progress, journal, steps)
    raise JobError("stumbled", "It stumbles on purpose.")


@job(title="Stumble at first", form=StepsForm, max_attempts=9, backoff_s=0.1)
def stumbles_at_first(progress: Any, *, journal: str, steps: int) -> None:
    """Fail in its first attempt; be tried again."""
    walk(progress, journal, steps)
    if progress._identity.attempt == 1:
        raise JobError("stumbled", "It stumbles the first time.")


@job(title="Linger", form=StepsForm)
def lingers(progress: Any, *, journal: str, steps: int) -> None:
    """Walk until somebody cancels it."""
    walk(progress, journal, steps * FOR_EVER)


@job(title="Carry", form=StepsForm)
def carries(progress: Any, *, journal: str, steps: int) -> None:
    """Walk, and leave a file."""
    progress.attach(io.BytesIO(b"x" * FILE_BYTES), "load.bin")
    walk(progress, journal, steps)
