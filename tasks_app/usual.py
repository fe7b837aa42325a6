"""How long things usually take: the middle half of what they took. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Final

WIDE: Final = 2  # the middle half of the runs differs by more than this: it depends on what they were given


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """Seconds that the middle half of the successful runs took: `low` ≤ `middle` ≤ `high`."""

    low: float
    middle: float
    high: float

    @property
    def is_wide(self) -> bool:
        """Whether it says little, because the runs differed so much."""
        return self.high > WIDE * self.low


def usual_of(took_s: Sequence[float]) -> Usual:
    """What is usual by these seconds, of which there must be two at least."""
    low, middle, high = quantiles(took_s, n=4, method="inclusive")
    return Usual(low=low, middle=middle, high=high)
