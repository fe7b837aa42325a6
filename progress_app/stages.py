"""The stages of a task, their weights and what percentage they add up to. Pure; the clock's readings are given.

The overall percentage is the weighted mean of the stages at the top; within a stage it is the mean of its own
stages, or its count by its total. It never goes back within an attempt, and only success is 100.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Final

from progress_app.checkpoint import Passed
from progress_app.events import FULL_PERCENT, StageProgress, StageRef, StageState
from progress_app.exceptions import UsageError

DEEPEST: Final = 1
NEARLY: Final = 99.9  # what is shown of a task that has counted everything and has not ended
MOST_STAGES: Final = 64  # a snapshot names them all and is sent ten times a second


@dataclass(slots=True)
class Stage:
    """A part of the work.

    `opened_at` is the tally's reading at its beginning, `base` the one at which its own count is 0; times are
    monotonic seconds. `left`: an exception ended it, and where the job goes on is not known yet. `past`: an earlier
    attempt ended it.
    """

    name: str
    depth: int = 0
    weight: float = 1.0
    total: float | None = None
    unit: str = ""
    opened_at: float = 0.0
    base: float = 0.0
    count: float = 0.0
    began_s: float | None = None
    ended_s: float | None = None
    left: bool = False
    past: bool = False
    parts: list["Stage"] = field(default_factory=list)
    still: tuple[object, StageProgress] | None = field(default=None, compare=False)

    @property
    def fraction(self) -> float | None:
        """How much of it is done, 0–1; None while that is unknown."""
        if self.ended_s is not None:
            return 1.0
        if self.began_s is None:
            return 0.0
        if self.parts:
            return _weighted(self.parts)
        if self.total is None:
            return None
        return min(1.0, self.count / self.total) if self.total > 0 else 1.0

    def progress(self, now_s: float) -> StageProgress:
        """As a viewer sees it; made once while it does not change."""
        if self.began_s is not None and self.ended_s is None:
            return self._progress(StageState.RUNNING, now_s)
        between = (self.began_s, self.ended_s)
        if self.still is None or self.still[0] != between:
            pending = StageProgress(name=self.name, depth=self.depth)
            self.still = between, pending if self.ended_s is None else self._progress(StageState.DONE, self.ended_s)
        return self.still[1]

    def _progress(self, state: StageState, until_s: float) -> StageProgress:
        seconds = round(until_s - (self.began_s or 0.0), 1)
        return StageProgress(
            name=self.name, depth=self.depth, state=state, percent=percent(self.fraction), seconds=seconds
        )


class Stages:
    """The plan of a task: declared stages, and those that are opened on the way.

    Args:
        names: the stages at the top, in the order in which they are to run; empty: the task is one piece.

    """

    __slots__ = ("_before", "_best", "_open", "_order", "_passed", "_shown", "_top", "whole")

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._top = [Stage(name) for name in names]
        self._order = tuple(self._top)  # with the stages within stages, as a viewer sees them
        self._open: tuple[Stage, ...] = ()  # replaced, never changed: the sender's thread reads it meanwhile
        self._best = 0.0
        self._before: float | None = None  # the percentage from which this attempt goes on
        self._passed: tuple[Stage, ...] = ()
        self._shown: tuple[tuple[Stage, ...], StageRef | None] = ((), None)
        self.whole = Stage("", began_s=0.0)

    @property
    def current(self) -> Stage:
        """The innermost open stage, or the whole task when none is open."""
        opened = self._open
        return opened[-1] if opened else self.whole

    @property
    def tops(self) -> Sequence[Stage]:
        """The stages at the top, in order; the whole task where it has none."""
        return self._top or (self.whole,)

    def plan(self, weights: Mapping[str, float]) -> None:
        """Replace the declared stages by these, before the first one begins.

        Raises:
            UsageError: a stage has begun, too many, or a weight below 0.

        """
        if any(stage.began_s is not None and not stage.past for stage in self._top):
            raise UsageError("plan() after the first stage: plan the stages before you open one.")
        if len(weights) > MOST_STAGES:
            raise UsageError(f"plan() with {len(weights)} stages: at most {MOST_STAGES} are shown.")
        self._top = [self._planned(name, _checked(name, weight)) for name, weight in weights.items()]
        self._arrange()

    def _planned(self, name: str, weight: float) -> Stage:
        passed = next((stage for stage in self._passed if stage.name == name), None)
        return Stage(name, weight=weight) if passed is None else replace(passed, weight=weight)

    def resume(self, percent: float | None, passed: Sequence[Passed], now_s: float) -> None:
        """Go on from where an earlier attempt was; a stage that is over may be opened once more."""
        self._before, self._best = percent, percent or 0.0
        self._passed = tuple(
            Stage(was.name, weight=was.weight, began_s=now_s - was.seconds, ended_s=now_s, past=True) for was in passed
        )
        known = {stage.name for stage in self._top}
        self._top = [self._planned(stage.name, stage.weight) for stage in self._top]
        self._top += [replace(stage) for stage in self._passed if stage.name not in known]
        self._arrange()

    def passed(self) -> tuple[Passed, ...]:
        """The stages at the top that are over."""
        return tuple(
            Passed(name=stage.name, weight=stage.weight, seconds=round(stage.ended_s - (stage.began_s or 0.0), 1))
            for stage in self._top
            if stage.ended_s is not None
        )

    def room(self) -> tuple[float, float]:
        """From where to where the open stage takes the overall percentage; the whole task: from here to the end."""
        low = self.percent() or self._best
        if self.current is self.whole:
            return low, FULL_PERCENT
        rest = [stage if stage is not self._open[0] else replace(stage, ended_s=stage.began_s) for stage in self._top]
        return low, max(low, percent(_weighted(rest)) or 0.0)

    def open(
        self, name: str, *, weight: float | None, total: float | None, unit: str, at: float, now_s: float
    ) -> Stage:
        """Begin a stage; `at` is the tally's reading.

        Raises:
            UsageError: a stage of a stage of a stage, a stage that ran before, too many, or a weight below 0.

        """
        if weight is not None:
            _checked(name, weight)
        if left := next((s for s in self._open if s.left), None):
            self.close(left, at=at, now_s=now_s)
        siblings = self._siblings(name)
        stage = next((s for s in siblings if s.name == name and (s.began_s is None or s.past)), None)
        if stage is None:
            self._check_new(name, siblings)
            stage = Stage(name, depth=len(self._open))
            siblings.append(stage)
            self._arrange()
        stage.weight = stage.weight if weight is None else weight
        stage.total, stage.unit = total, unit
        stage.opened_at, stage.base, stage.began_s = at, at, now_s
        stage.ended_s, stage.past = None, False
        self._open = (*self._open, stage)
        return stage

    def _siblings(self, name: str) -> list[Stage]:
        if not self._open:
            return self._top
        if self.current.depth >= DEEPEST:
            raise UsageError(
                f"stage({name!r}) inside {self.current.name!r}: stages nest two deep; close the inner one first."
            )
        return self.current.parts

    def _check_new(self, name: str, siblings: list[Stage]) -> None:
        if any(stage.name == name for stage in siblings):
            raise UsageError(f"stage({name!r}) was opened before: give each stage of a task a name of its own.")
        if len(self._order) >= MOST_STAGES:
            raise UsageError(f"stage({name!r}) would be number {MOST_STAGES + 1}: at most {MOST_STAGES} are shown.")

    def close(self, stage: Stage, *, at: float, now_s: float) -> None:
        """End a stage, and one within it that is open; what they counted does not count for the stage around it.

        Nothing happens to one that has ended with the stage around it.
        """
        if stage not in self._open:
            return
        place = self._open.index(stage)
        for ended in self._open[place:]:
            ended.count, ended.ended_s = at - ended.base, now_s
        self._open = self._open[:place]
        self.current.base += at - stage.opened_at

    def close_all(self, *, at: float, now_s: float) -> None:
        """End the stages that are open."""
        if self._open:
            self.close(self._open[0], at=at, now_s=now_s)

    @staticmethod
    def leave(stage: Stage) -> None:
        """An exception went through the stage: it stays open, to show where the job ended, until another begins."""
        stage.left = True

    def finish(self, now_s: float) -> None:
        """End everything: the task succeeded."""
        for stage in self._order:
            stage.began_s = now_s if stage.began_s is None else stage.began_s
            stage.ended_s = now_s if stage.ended_s is None else stage.ended_s
        self.whole.ended_s = now_s
        self._best = FULL_PERCENT

    def _arrange(self) -> None:
        self._order = tuple(stage for top in self._top for stage in (top, *top.parts))

    def percent(self) -> float | None:
        """The overall percentage; None while the work at hand is of unknown length."""
        current = self.current
        if not self._top and current.total is None and self._before is not None:
            return self._best
        if current.fraction is None and (current is not self.whole or not self._top):
            return None
        now = percent(_weighted(self._top) if self._top else self.whole.fraction) or 0.0
        self._best = max(self._best, min(now, NEARLY))
        return self._best

    def views(self, now_s: float) -> tuple[StageProgress, ...]:
        """All stages as a viewer sees them, in order."""
        return tuple([stage.progress(now_s) for stage in self._order])

    def ref(self) -> StageRef | None:
        """The stage that runs now."""
        opened = self._open
        if self._shown[0] is not opened:
            self._shown = opened, self._ref(opened)
        return self._shown[1]

    def _ref(self, opened: tuple[Stage, ...]) -> StageRef | None:
        if not opened:
            return None
        index = next(i for i, stage in enumerate(self._order) if stage is opened[-1])
        return StageRef(index=index, name=opened[-1].name)


def _checked(name: str, weight: float) -> float:
    if not (isinstance(weight, Real) and math.isfinite(weight) and weight >= 0):
        raise UsageError(f"The stage {name!r} with weight={weight!r}: expected a number ≥ 0; 1 is the default.")
    return weight


def _weighted(stages: Sequence[Stage]) -> float:
    """The weighted mean; a stage of unknown length adds nothing until it ends."""
    whole = done = 0.0
    for stage in stages:
        whole += stage.weight
        done += stage.weight * (stage.fraction or 0.0)
    return done / whole if whole else 0.0


def percent(fraction: float | None) -> float | None:
    """A fraction as a percentage, cut to one decimal: 99.96 % done is not yet 100."""
    return None if fraction is None else math.floor(fraction * 1000 + 1e-9) / 10
