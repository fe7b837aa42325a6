"""A job's own rhythm, and when its silence is far longer than that. Pure."""

from collections.abc import Callable
from typing import Final

LEAST_STEPS: Final = 5  # before that nothing is known
LEAST_S: Final = 30.0  # shorter silences bother nobody
TYPICAL_TIMES: Final = 10.0
LONGEST_TIMES: Final = 3.0
WEIGHT: Final = 0.2  # of the newest gap in the typical one


class Rhythm:
    """The gaps between a job's steps.

    Args:
        clock: gives seconds.

    """

    __slots__ = ("_clock", "_last_s", "_longest_s", "_mark", "_steps", "_typical_s")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._mark: object = None
        self._last_s = clock()
        self._steps = 0
        self._typical_s = 0.0
        self._longest_s = 0.0

    def observe(self, mark: object) -> None:
        """Take what the job shows now; another mark than the last one is a step."""
        if mark == self._mark:
            return
        now_s = self._clock()
        gap_s, self._last_s, self._mark = now_s - self._last_s, now_s, mark
        self._steps += 1
        self._typical_s += (gap_s - self._typical_s) * (WEIGHT if self._steps > 1 else 1.0)
        self._longest_s = max(self._longest_s, gap_s)

    @property
    def stalled_s(self) -> float | None:
        """Seconds since the last step if that is far longer than usual, else None."""
        silent_s = self._clock() - self._last_s
        far_s = max(LEAST_S, TYPICAL_TIMES * self._typical_s, LONGEST_TIMES * self._longest_s)
        return round(silent_s, 1) if self._steps >= LEAST_STEPS and silent_s > far_s else None
