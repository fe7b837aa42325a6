"""What is to come: keeps each stage's pace, and forecasts the end from it and from earlier runs of the same job."""

from collections.abc import Mapping, Sequence
from typing import Final

from progress_app.events import Eta
from progress_app.forecast import Leg, Marks, forecast
from progress_app.pace import MARKS, Pace
from progress_app.stages import Stage

LOOK_EVERY_S: Final = 1.0  # a forecast that changes more often cannot be read, and costs as much as the send itself
Paces = dict[str, list[float]]  # for each stage (the whole task: ""), the seconds until each tenth of it


class Outlook:
    """The forecast of one attempt. Used by one thread at a time."""

    __slots__ = ("_due_s", "_earlier", "_eta", "_paces")

    def __init__(self) -> None:
        self._earlier: Mapping[str, Sequence[Marks]] = {}
        self._paces: dict[str, Pace] = {}
        self._eta: Eta | None = None
        self._due_s = 0.0

    def recall(self, runs: Sequence[Paces]) -> None:
        """Take what earlier runs left, newest first; what is no full pace of a stage is passed over."""
        earlier: dict[str, list[Marks]] = {}
        for run in runs:
            for name, marks in run.items():
                if len(marks) == MARKS and marks[-1] > 0:
                    earlier.setdefault(name, []).append(marks)
        self._earlier, self._due_s = earlier, 0.0

    def look(self, stages: Sequence[Stage], per_s: float | None, now_s: float) -> Eta | None:
        """The range of seconds until the end, None while nothing honest can be said.

        Args:
            stages: those at the top, in order; the task itself where it has none.
            per_s: the smoothed rate of the stage that runs now.
            now_s: monotonic seconds.

        """
        for stage in stages:
            if stage.ended_s is None:
                self._observe(stage, now_s)
        if now_s >= self._due_s:
            self._due_s = now_s + LOOK_EVERY_S
            self._eta = forecast([self._leg(stage, per_s, now_s) for stage in stages])
        return self._eta

    def _observe(self, stage: Stage, now_s: float) -> None:
        fraction = stage.fraction
        if fraction and stage.began_s is not None:
            elapsed_s = (now_s if stage.ended_s is None else stage.ended_s) - stage.began_s
            self._paces.setdefault(stage.name, Pace()).observe(elapsed_s, fraction)

    def _leg(self, stage: Stage, per_s: float | None, now_s: float) -> Leg:
        elapsed_s = 0.0
        if stage.began_s is not None:
            elapsed_s = (now_s if stage.ended_s is None else stage.ended_s) - stage.began_s
        counts = stage.total and per_s and not stage.parts
        return Leg(
            weight=stage.weight,
            fraction=stage.fraction,
            elapsed_s=elapsed_s,
            recent_s=max(0.0, stage.total - stage.count) / per_s if counts and stage.total and per_s else None,
            earlier=self._earlier.get(stage.name, ()),
        )

    def paces(self, stages: Sequence[Stage], now_s: float) -> Paces:
        """What this run leaves for the forecasts of later ones: the stages that it went through to their end."""
        for stage in stages:
            self._observe(stage, now_s)
        return {
            name: [round(mark, 3) for mark in pace.marks]
            for name, pace in self._paces.items()
            if len(pace.marks) == MARKS
        }
