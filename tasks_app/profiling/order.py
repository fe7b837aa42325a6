"""Order: exact order statistics of many numbers, and quartiles.

Quartiles are by linear interpolation between the two nearest ranks, as numpy's default and as Excel's
QUARTILE.INC: with n sorted values, the quartile p lies at place (n - 1)·p, counted from 0.
"""

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Chunks = Callable[[], Iterable[tuple[Floats, Counts | None]]]  # values, and how often each occurs (None: once)

SORT_LIMIT = 2 * 1024 * 1024  # values that are simply sorted: 16 MiB; more are found digit by digit
DIGIT_BITS = 16
SIGN = np.uint64(1 << 63)
QUARTILES = (0.25, 0.5, 0.75)


def quartiles(chunks: Chunks, size: int, sort_limit: int = SORT_LIMIT) -> tuple[float, float, float]:
    """Return the lower quartile, the median and the upper quartile of `size` ≥ 1 numbers."""
    places = [(size - 1) * share for share in QUARTILES]
    ranks = sorted({rank for place in places for rank in (math.floor(place), math.ceil(place))})
    find = _by_sorting if size <= sort_limit else _by_digits
    found = dict(zip(ranks, find(chunks, ranks), strict=True))
    low, middle, high = (_between(found[math.floor(at)], found[math.ceil(at)], at % 1) for at in places)
    return low, middle, high


def _between(low: float, high: float, share: float) -> float:
    """Interpolate without leaving the range of doubles, and exactly where both ends are equal."""
    if low == high:
        return low
    return low + (high - low) * share if math.isfinite(high - low) else low * (1 - share) + high * share


def _by_sorting(chunks: Chunks, ranks: Sequence[int]) -> list[float]:
    pairs = list(chunks())
    values = np.concatenate([values for values, _ in pairs])
    if all(counts is None for _, counts in pairs):
        values.sort()
        return [float(values[rank]) for rank in ranks]
    counts = np.concatenate([_ones(values) if counts is None else counts for values, counts in pairs])
    order = np.argsort(values, kind="stable")
    ends = np.cumsum(counts[order])
    return [float(values[order[np.searchsorted(ends, rank, side="right")]]) for rank in ranks]


def _by_digits(chunks: Chunks, ranks: Sequence[int]) -> list[float]:
    """Find each rank by its bits, 16 at a time: four passes, and memory that does not grow."""
    prefixes = [0] * len(ranks)
    rests = list(ranks)
    for shift in range(64 - DIGIT_BITS, -1, -DIGIT_BITS):
        histograms = _digit_counts(chunks, set(prefixes), shift)
        for place, (prefix, rest) in enumerate(zip(prefixes, rests, strict=True)):
            ends = np.cumsum(histograms[prefix])
            digit = int(np.searchsorted(ends, rest, side="right"))
            rests[place] = rest - (int(ends[digit - 1]) if digit else 0)
            prefixes[place] = prefix << DIGIT_BITS | digit
    return [float(value) for value in _values(np.array(prefixes, np.uint64))]


def _digit_counts(chunks: Chunks, prefixes: set[int], shift: int) -> dict[int, Counts]:
    """Count the next digit of the numbers that begin with each prefix."""
    digits = 1 << DIGIT_BITS
    found = {prefix: np.zeros(digits, np.int64) for prefix in prefixes}
    for values, counts in chunks():
        keys = _keys(values) >> np.uint64(shift)
        for prefix in found:
            chosen = keys >> np.uint64(DIGIT_BITS) == np.uint64(prefix)
            weights = None if counts is None else counts[chosen]
            low = (keys[chosen] & np.uint64(digits - 1)).astype(np.int64)
            found[prefix] += np.bincount(low, weights, digits).astype(np.int64)
    return found


def _keys(values: Floats) -> NDArray[np.uint64]:
    """Return integers in the order of the doubles: the sign turned, negative ones mirrored."""
    bits = (values + 0.0).view(np.uint64)  # -0.0 becomes 0.0
    return np.where(bits & SIGN, ~bits, bits | SIGN)


def _values(keys: NDArray[np.uint64]) -> Floats:
    return np.where(keys & SIGN, keys ^ SIGN, ~keys).view(np.float64)


def _ones(values: Floats) -> Counts:
    return np.ones(values.size, np.int64)
