"""Rehearsal: a job that does nothing but report, for trying the platform out.

It walks a number of steps over a number of seconds, in one or more stages, with or without a known
total, and may fail on purpose: so a person can see every state of the bar before real work depends on it.
"""

import random
import time
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from progress_app.words import fill, said
from tasks_app.registry import JobError, job

if TYPE_CHECKING:
    from progress_app.reporter import Reporter

PIECE_S = 0.05  # the longest single sleep: a cancel is noticed at most this many seconds late
STAGES = (
    gettext_noop("Prepare"),
    gettext_noop("Load"),
    gettext_noop("Check"),
    gettext_noop("Write"),
    gettext_noop("Tidy up"),
)
LOG_LINES = 10  # lines logged over a whole run, whatever its number of steps


class RehearsalForm(forms.Form):
    """What to rehearse; every field has a value that gives a lively bar of twenty seconds."""

    steps = forms.IntegerField(
        min_value=1,
        max_value=100_000,
        initial=200,
        label=_("Steps"),
        help_text=_("How many steps the bar counts, over all stages: 1 to 100,000."),
        error_messages={"min_value": _("At least 1 step."), "max_value": _("At most 100,000 steps.")},
    )
    seconds = forms.FloatField(
        min_value=0,
        max_value=3600,
        initial=20,
        label=_("Duration in seconds"),
        help_text=_("How long the whole run takes: 0 to 3,600 seconds. 0 is as fast as it goes."),
        error_messages={"min_value": _("At least 0 seconds."), "max_value": _("At most 3,600 seconds.")},
    )
    stages = forms.IntegerField(
        min_value=1,
        max_value=len(STAGES),
        initial=len(STAGES),
        label=_("Stages"),
        help_text=_("Into how many named stages the steps are divided: 1 to 5."),
        error_messages={"min_value": _("At least 1 stage."), "max_value": _("At most 5 stages.")},
    )
    known_total = forms.BooleanField(
        required=False,
        initial=True,
        label=_("The total is known"),
        help_text=_("Without a known total the bar shows a count and no percent."),
    )
    fail_chance = forms.IntegerField(
        min_value=0,
        max_value=100,
        initial=0,
        label=_("Chance to fail, in percent"),
        help_text=_("0 never fails, 100 always does, at some step by chance."),
        error_messages={"min_value": _("At least 0 percent."), "max_value": _("At most 100 percent.")},
    )


@job(
    title=_("Rehearsal"),
    description=_("Counts steps over some seconds and does nothing else: for trying the platform out."),
    form=RehearsalForm,
    stages=STAGES,
    results={"steps": _("Steps"), "stages": _("Stages"), "seconds": _("Seconds")},
)
def rehearsal(
    progress: "Reporter", *, steps: int, seconds: float, stages: int, known_total: bool, fail_chance: int
) -> dict[str, Any]:
    """Walk the steps stage by stage; fail at a random step with the given chance.

    A run that its worker handed back goes on from the step where it was.

    Raises:
        JobError: "rehearsal_failed", when chance says so.
    """
    fails_at = _failing_step(steps, fail_chance)
    step_s = seconds / steps
    before = (progress.checkpointed or {}).get("done", 0)
    began = time.monotonic() - before * step_s
    done = 0
    shares = _shares(steps, stages)
    progress.plan(dict(shares))
    for name, size in shares:
        skipped = min(size, max(0, before - done))
        done += skipped
        if 0 < size == skipped:
            continue
        with progress.stage(name, total=size if known_total else None, unit="steps"):
            if skipped:
                progress.update(current=skipped)
            for _step in progress.track(iter(range(skipped, size))):
                if done == fails_at:
                    raise JobError("rehearsal_failed", _failure(done, steps))
                done += 1
                _wait_until(progress, began + done * step_s)
                progress.checkpoint({"done": done})
                if done % max(1, steps // LOG_LINES) == 0:
                    told = gettext("{stage}: {done} of {steps} steps done")
                    progress.log(fill(told, stage=said(name), done=done, steps=steps))
    return {"steps": done, "stages": stages, "seconds": round(time.monotonic() - began, 3)}


def _failing_step(steps: int, fail_chance: int) -> int | None:
    """Return the step (from 0) that fails, or None for a run that succeeds."""
    dice = random.SystemRandom()
    return dice.randrange(steps) if dice.random() * 100 < fail_chance else None


def _failure(done: int, steps: int) -> str:
    text = gettext(
        "The rehearsal failed on purpose after {done} of {steps} steps; "
        "start it with a chance to fail of 0 to see it succeed."
    )
    return fill(text, done=done, steps=steps)


def _shares(steps: int, stages: int) -> list[tuple[str, int]]:
    """Divide the steps over the first stages as evenly as whole steps allow; a stage may get none."""
    return [
        (name, steps // stages + (1 if index < steps % stages else 0)) for index, name in enumerate(STAGES[:stages])
    ]


def _wait_until(progress: "Reporter", moment: float) -> None:
    """Sleep until the moment (time.monotonic, seconds) in pieces, so that a cancel is prompt."""
    while (rest_s := moment - time.monotonic()) > 0:
        time.sleep(min(rest_s, PIECE_S))
        progress.raise_if_cancelled()
