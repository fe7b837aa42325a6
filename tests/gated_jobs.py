"""A job that goes as far as its test lets it go, for a real worker and a real web server.

A test that waits for a moment of the job opens the gate to there and then further, instead of guessing a duration.
"""

import time
from pathlib import Path
from typing import Any

from django import forms

from tasks_app.registry import job

PIECE_S = 0.02
TOTAL = 100


class Gate:
    """How far the job may go, in steps of a hundred; a file, which the worker reads."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "gate"
        self.open(0)

    def open(self, step: int) -> None:
        """Let the job go on to this step; to the hundredth, and it ends."""
        written = self.path.with_suffix(".new")
        written.write_text(str(step), encoding="utf-8")
        written.replace(self.path)


class GatedForm(forms.Form):
    gate = forms.CharField()
    more_stages = forms.IntegerField(initial=0)


@job(title="Gated", form=GatedForm)
def gated(progress: Any, *, gate: str, more_stages: int) -> dict[str, int]:
    """Report each step that the gate lets through; `more_stages` swell each snapshot by 400 bytes and never begin."""
    progress.plan({"Go": 1.0} | {f"{number} {'ü' * 195}": 0.0 for number in range(more_stages)})
    done = 0
    with progress.stage("Go", total=TOTAL, unit="steps"):
        while done < TOTAL:
            reached = int(Path(gate).read_text(encoding="utf-8"))
            if reached > done:
                progress.update(current=reached)
                progress.log(f"at step {reached}")
            done = reached
            progress.raise_if_cancelled()
            time.sleep(PIECE_S)
    return {"steps": done}
