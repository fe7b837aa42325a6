"""Jobs for real workers in tests: they write a journal, and some do not stop when they are asked to.

A worker of tests/stack.py imports this module. Each journal line is `<event> <attempt> <pid> <task>`.
"""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

from django import forms

from tasks_app.registry import job

PIECE_S = 0.01


class JournalForm(forms.Form):
    journal = forms.CharField()
    seconds = forms.FloatField(initial=0.2)


def write(journal: str, event: str, progress: Any) -> None:
    with Path(journal).open("a", encoding="utf-8") as file:
        file.write(f"{event} {progress._identity.attempt} {os.getpid()} {progress._identity.task}\n")


def journalled(progress: Any, journal: str, seconds: float) -> None:
    """Report for so long, between two lines of the journal."""
    write(journal, "begin", progress)
    try:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            time.sleep(PIECE_S)
            progress.advance()
    finally:
        write(journal, "end", progress)


@job(title="Steady", form=JournalForm)
def steady(progress: Any, *, journal: str, seconds: float) -> None:
    """Run for some seconds and report all the time."""
    journalled(progress, journal, seconds)


@job(title="Talkative", form=JournalForm)
def talkative(progress: Any, *, journal: str, seconds: float) -> None:
    """Write thirty lines into its log, over some seconds."""
    write(journal, "begin", progress)
    for number in progress.track(range(30)):
        progress.log(f"line {number}")
        time.sleep(seconds / 30)
    write(journal, "end", progress)


@job(title="Limited", form=JournalForm, time_limit_s=0.3)
def limited(progress: Any, *, journal: str, seconds: float) -> None:
    """Run for longer than it may, and report all the time."""
    journalled(progress, journal, seconds)


@job(title="Deaf", form=JournalForm, cancel_grace_s=0.3, time_limit_s=20, hard_limit_s=20)
def deaf(progress: Any, *, journal: str, seconds: float) -> None:
    """Make no progress call, in a call that waits."""
    write(journal, "begin", progress)
    try:
        time.sleep(seconds)
    finally:
        write(journal, "end", progress)


@job(title="Dozing", form=JournalForm, cancel_grace_s=0.3)
def dozing(progress: Any, *, journal: str, seconds: float) -> None:
    """Make no progress call until its test has it woken up."""
    write(journal, "begin", progress)
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and not Path(f"{journal}-wake").exists():
        time.sleep(PIECE_S)
    write(journal, "end", progress)


@job(title="Stubborn", form=JournalForm, cancel_grace_s=0.3)
def stubborn(progress: Any, *, journal: str, seconds: float) -> None:
    """Swallow whatever is raised in it."""
    write(journal, "begin", progress)
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            time.sleep(PIECE_S)
            progress.raise_if_cancelled()
        except BaseException:  # noqa: BLE001, S112  (that is what it is for)
            continue


@job(title="Overlong", form=JournalForm, time_limit_s=0.3, hard_limit_s=0.6)
def overlong(progress: Any, *, journal: str, seconds: float) -> None:
    """Run over its time, and swallow whatever is raised in it."""
    stubborn(progress, journal=journal, seconds=seconds)


@job(title="Drowsy", form=JournalForm)
async def drowsy(progress: Any, *, journal: str, seconds: float) -> None:
    """Wait on an event loop, and make no progress call."""
    write(journal, "begin", progress)
    try:
        await asyncio.sleep(seconds)
    finally:
        write(journal, "end", progress)
