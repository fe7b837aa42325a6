"""How a stage went through its work: when each tenth of it was reached. Pure."""

from collections.abc import Sequence
from typing import Final

MARKS: Final = 10


class Pace:
    """Seconds from a stage's beginning to each tenth of its work, by linear interpolation between observations."""

    __slots__ = ("_last", "marks")

    def __init__(self) -> None:
        self.marks: list[float] = []
        self._last = (0.0, 0.0)

    def observe(self, elapsed_s: float, fraction: float) -> None:
        """Take a reading; one that does not go on (the total grew) is passed over."""
        before_s, before = self._last
        if fraction <= before:
            return
        while len(self.marks) < MARKS and (at := (len(self.marks) + 1) / MARKS) <= fraction + 1e-9:
            self.marks.append(before_s + (elapsed_s - before_s) * max(0.0, at - before) / (fraction - before))
        self._last = (elapsed_s, fraction)


def reached(marks: Sequence[float], fraction: float) -> float:
    """Seconds until a fraction (0–1) was reached, between the tenths by linear interpolation."""
    tenths = min(max(fraction, 0.0), 1.0) * MARKS
    place = min(int(tenths), MARKS - 1)
    before_s = marks[place - 1] if place else 0.0
    return before_s + (marks[place] - before_s) * (tenths - place)
