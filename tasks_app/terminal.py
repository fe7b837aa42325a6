"""Shows a task in a terminal: bars that move, or plain lines where nobody sees them move.

Whatever a job wrote may hold control characters, and a terminal would obey them: they are shown as a sign instead.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from progress_app.amounts import amount
from progress_app.durations import duration_text, range_text
from progress_app.events import FULL_PERCENT, Level, LogEntry, Place, Snapshot, StageState
from tasks_app.watching import Look

PLAIN_EVERY_S: Final = 5.0  # between lines that tell of nothing but a higher count
LEVEL_STYLES: Final = {Level.DEBUG: "dim", Level.INFO: "", Level.WARNING: "yellow", Level.ERROR: "bold red"}
WHOLE_RATE: Final = 10.0  # a second: below it a tenth tells something
MISSED: Final = "Some log entries were missed here."


class Screen(Protocol):
    """Where looks are shown."""

    def shown(self) -> AbstractContextManager[object]:
        """The screen, for the length of a block."""

    def show(self, look: Look) -> None:
        """Show what was seen."""


def screen(console: Console, title: str, *, clock: Callable[[], float] = time.monotonic) -> Screen:
    """Bars on a terminal, else lines."""
    return Bars(console, title) if console.is_terminal else Lines(console, clock)


class Lines:
    """A line for each step that matters, and for each log entry."""

    def __init__(self, console: Console, clock: Callable[[], float]) -> None:
        self._console = console
        self._clock = clock
        self._told: tuple[object, ...] = ()
        self._told_s = -PLAIN_EVERY_S

    def shown(self) -> AbstractContextManager[object]:
        """As `Screen.shown`."""
        return nullcontext()

    def show(self, look: Look) -> None:
        """As `Screen.show`."""
        _show_log(self._console, look)
        snapshot, now_s = look.snapshot, self._clock()
        step = (snapshot.state, snapshot.stage, snapshot.attempt, snapshot.message)
        if step != self._told or now_s - self._told_s >= PLAIN_EVERY_S:
            self._told, self._told_s = step, now_s
            self._console.print(Text(summary(snapshot)), soft_wrap=True)


class Bars:
    """A bar for the whole, one for each stage and one for the children."""

    def __init__(self, console: Console, title: str) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[told]}", markup=False),
            console=console,
        )
        self._title = title
        self._bars: dict[str, TaskID] = {}

    def shown(self) -> AbstractContextManager[object]:
        """As `Screen.shown`."""
        return self._progress

    def show(self, look: Look) -> None:
        """As `Screen.show`."""
        _show_log(self._progress.console, look)
        snapshot = look.snapshot
        self._draw("whole", self._title, snapshot.percent, summary(snapshot))
        for index, stage in enumerate(snapshot.stages):
            name = f"{'  ' * (stage.depth + 1)}{printable(stage.name)}"
            begun = stage.state is not StageState.PENDING
            self._draw(f"stage {index}", name, stage.percent if begun else 0.0, _seconds(stage.seconds))
        children = snapshot.children
        if children.total:
            ended = children.done + children.failed
            told = f"{ended} of {children.total}" + (f", {children.failed} failed" if children.failed else "")
            self._draw("children", "  Children", FULL_PERCENT * ended / children.total, told)

    def _draw(self, bar: str, name: str, percent: float | None, told: str) -> None:
        if bar not in self._bars:
            self._bars[bar] = self._progress.add_task(name, total=None, told="")
        total = None if percent is None else FULL_PERCENT
        self._progress.update(self._bars[bar], description=name, total=total, completed=percent or 0.0, told=told)
        if total is None:
            self._progress.tasks[self._bars[bar]].total = None  # `update` reads None as "as it was"


def summary(snapshot: Snapshot) -> str:
    """A snapshot as one line."""
    stage = "" if snapshot.stage is None else snapshot.stage.name
    attempt = f"attempt {snapshot.attempt}" if snapshot.attempt > 1 else ""
    error = "" if snapshot.error is None else snapshot.error.text
    how_far = (_waits(snapshot.queue), *_count(snapshot), stage, attempt, *_time(snapshot))
    return printable(" · ".join(filter(None, (snapshot.state.value, *how_far, snapshot.message, error))))


def _waits(place: Place | None) -> str:
    if place is None:
        return ""
    line = "next in line" if place.position == 1 else f"number {place.position:,} in line"
    return line if place.starts_in_s is None else f"{line}, starts in about {duration_text(place.starts_in_s)}"


def _count(snapshot: Snapshot) -> Iterator[str]:
    if snapshot.percent is not None:
        yield f"{snapshot.percent:g} %"
    if snapshot.current or snapshot.total:
        told = amount(snapshot.current, snapshot.total, snapshot.unit)
        of = "" if told.total is None else f" of {told.total:,}"
        yield f"{told.current:,}{of} {told.unit}".strip()


def _time(snapshot: Snapshot) -> Iterator[str]:
    """The pace and what it comes to: what is left, else how long it has run."""
    if snapshot.rate:
        told = amount(snapshot.rate, None, snapshot.unit)
        rate = f"{told.current:,.{0 if told.current >= WHOLE_RATE else 1}f}"
        yield f"{rate} {told.unit}/s" if told.unit else f"{rate}/s"
    if snapshot.eta is not None:
        yield f"{range_text(snapshot.eta.low, snapshot.eta.high)} left"
    elif snapshot.elapsed:
        yield f"{'took' if snapshot.is_final else 'for'} {duration_text(snapshot.elapsed)}"


def printable(text: str) -> str:
    """Text without anything that a terminal would obey."""
    return "".join(c if c.isprintable() else "�" for c in text)


def _show_log(console: Console, look: Look) -> None:
    if look.gap:
        console.print(Text(MISSED, style="yellow"))
    for entry in look.lines:
        console.print(_log_line(entry), soft_wrap=True)


def _log_line(entry: LogEntry) -> Text:
    at = datetime.fromtimestamp(entry.ts).astimezone().strftime("%H:%M:%S")
    return Text(f"{at} {entry.level}: {printable(entry.text)}", style=LEVEL_STYLES[entry.level])


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else duration_text(seconds)
