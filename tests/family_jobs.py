"""Jobs with children for real workers in tests. Each line of the journal is `<number> <attempt> <pid>`.

A worker of tests/stack.py imports this module.
"""

import os
import time
from pathlib import Path
from typing import Any

from django import forms

from tasks_app.registry import JobError, job

PIECE_S = 0.01


class PartForm(forms.Form):
    journal = forms.CharField()
    number = forms.IntegerField()
    seconds = forms.FloatField()
    fails = forms.BooleanField(required=False)


class WholeForm(forms.Form):
    journal = forms.CharField()
    size = forms.IntegerField()
    seconds = forms.FloatField()
    fails_at = forms.IntegerField()  # -1: none
    on_failure = forms.CharField()


@job(title="Part", form=PartForm, internal=True)
def part(progress: Any, *, journal: str, number: int, seconds: float, fails: bool) -> int:
    """Run for some seconds and report all the time."""
    ends = time.monotonic() + seconds
    progress.update(total=max(1, seconds / PIECE_S))
    while time.monotonic() < ends:
        time.sleep(PIECE_S)
        progress.advance()
    if fails:
        raise JobError("told_to", "It was told to fail.")
    with Path(journal).open("a", encoding="utf-8") as file:
        file.write(f"{number} {progress._identity.attempt} {os.getpid()}\n")
    return number


@job(title="Whole", form=WholeForm, stages=["Spread", "Run", "Join"])
def whole(progress: Any, *, journal: str, size: int, seconds: float, fails_at: int, on_failure: str) -> None:
    """Start the parts."""
    with progress.stage("Spread"):
        parts = [
            {
                "journal": journal,
                "number": number,
                "seconds": seconds if number != fails_at else 0,
                "fails": number == fails_at,
            }
            for number in range(size)
        ]
    progress.map(part, parts, then=join, on_failure=on_failure, stage="Run", unit="parts")


def join(progress: Any, *, children: Any, **_values: Any) -> dict[str, int]:
    """Add the parts up."""
    with progress.stage("Join"):
        return {"sum": sum(child.result for child in children if child.is_done), "failed": children.failed}
