"""Histogram: how the numbers or the moments of a column spread between their minimum and maximum."""

import math
from dataclasses import dataclass

import numpy as np

from tasks_app.profiling.order import Chunks

BARS = 24
FEWEST_BARS = 12  # of many days, where fewer bars divide them better
DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Bars from `low` to `high`, each `step` wide; a bar holds its lower edge, the last its upper too.

    The edges of moments are seconds since 1970. Of days the last bar is narrower where it would go beyond `high`.
    """

    low: float
    high: float
    step: float
    counts: tuple[int, ...]


def draw_histogram(chunks: Chunks, low: float, high: float, *, whole: bool) -> Histogram | None:
    """Count numbers into bars; None when the range is wider than a double can say.

    Args:
        chunks: the numbers, all from low to high.
        low: their minimum.
        high: their maximum.
        whole: they are integers: a small range gets one bar for each, around it.
    """
    if not math.isfinite(high - low):
        return None
    bars = BARS
    if whole and high - low < BARS:
        bars = round(high - low) + 1
        low, high = low - 0.5, high + 0.5
    try:
        counts = _count(chunks, bars, low, high)
    except ValueError:  # numpy: the range has too few doubles for so many bars
        counts = _count(chunks, 1, low, high)
    return Histogram(low=low, high=high, step=(high - low) / len(counts), counts=counts)


def draw_days(chunks: Chunks, low: float, high: float) -> Histogram:
    """Count days, as seconds since 1970, into bars of so many whole days; `low` is the first, `high` the last.

    The histogram ends with the last day, and its last bar lacks as few days as can be.
    """
    days = round((high - low) / DAY_S) + 1
    widths = range(math.ceil(days / BARS), math.ceil(days / FEWEST_BARS) + 1)
    width = min(widths, key=lambda width: -days % width / width)
    bars, step = math.ceil(days / width), width * DAY_S
    counts = _count(chunks, bars, low, low + bars * step)
    return Histogram(low=low, high=high + DAY_S, step=step, counts=counts)


def _count(chunks: Chunks, bars: int, low: float, high: float) -> tuple[int, ...]:
    if low == high:
        bars = 1
    total = np.zeros(bars, np.int64)
    for values, weights in chunks():
        if bars == 1:
            total += values.size if weights is None else int(weights.sum())
        else:
            total += np.histogram(values, bars, (low, high), weights=weights)[0].astype(np.int64)
    return tuple(total.tolist())
