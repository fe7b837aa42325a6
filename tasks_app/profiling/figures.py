"""Figures: what is known of a column while its cells go by: kind, extremes, sum, lengths.

Exactness: the sum of integers is an integer of any size; doubles are summed with math.fsum, so a mean is
the correctly rounded sum divided once. Integers beyond 2^53 keep all digits in minimum, maximum and mean;
quartiles and histogram see them as the nearest double.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from tasks_app.profiling.kind import (
    DATED,
    NUMERIC,
    Floats,
    Kind,
    are_booleans,
    read_moments,
    read_numbers,
    seconds_of,
    widened,
)

EXACT_INTEGER = 2.0**53  # every integer below it is a double
SUMS_HELD = 64

Counts = NDArray[np.int64]


class Figures:
    """Running figures over the cells of a column that are not empty."""

    def __init__(self) -> None:
        self.kind: Kind | None = None  # None: no cell seen yet
        self.cells = 0
        self.characters = 0
        self.shortest = 0  # in characters; 0 while no cell was seen
        self.longest = 0
        self.low: int | float | datetime | None = None  # of finite numbers or of moments
        self.high: int | float | datetime | None = None
        self.finite = 0  # numbers that count for the mean
        self.not_finite = 0
        self._sums: list[int | float] = []

    def absorb(self, cells: Sequence[str], counts: Counts | None = None) -> Floats | None:
        """Take cells that are not empty; return a number for each while the column is numeric, or dated: then seconds.

        The numbers may be infinite or nan; the figures leave such out.

        Args:
            cells: at least one.
            counts: how often each cell occurs; None: once each.
        """
        self._measure(cells, counts)
        if self.kind in NUMERIC or self.kind is None:
            reading = read_numbers(cells)
            if reading is not None:
                return self._take_numbers(cells, *reading, counts)
        if self.kind in DATED or self.kind is None:
            moments = read_moments(cells)
            if moments is not None and self._take_moments(*moments):
                return seconds_of(moments[1])
        booleans = self.kind in {None, Kind.BOOLEAN} and are_booleans(cells)
        self.kind = Kind.BOOLEAN if booleans else Kind.TEXT
        return None

    @property
    def final_kind(self) -> Kind:
        """The kind once all cells are seen; words like nan alone make no numbers."""
        if self.kind is None:
            return Kind.EMPTY
        return Kind.TEXT if self.kind in NUMERIC and not self.finite else self.kind

    @property
    def mean(self) -> float | None:
        """The mean of the finite numbers; None without numbers, or when their sum is no double."""
        if not self.finite:
            return None
        try:
            mean = _total(self._sums) / self.finite
        except OverflowError:
            return None
        return mean if math.isfinite(mean) else None

    def _measure(self, cells: Sequence[str], counts: Counts | None) -> None:
        lengths = list(map(len, cells))
        shortest, longest = min(lengths), max(lengths)
        self.shortest = min(self.shortest, shortest) if self.cells else shortest
        self.longest = max(self.longest, longest)
        self.cells += len(cells) if counts is None else int(counts.sum())
        self.characters += sum(lengths) if counts is None else int(np.dot(np.array(lengths), counts))

    def _take_numbers(self, cells: Sequence[str], kind: Kind, values: Floats, counts: Counts | None) -> Floats:
        self.kind = widened(self.kind, kind)
        fits = np.isfinite(values)
        finite = values if fits.all() else values[fits]
        weights = counts[fits] if counts is not None else None
        seen = finite.size if weights is None else int(weights.sum())
        self.not_finite += (values.size if counts is None else int(counts.sum())) - seen
        self.finite += seen
        if not finite.size:
            return values
        if kind is Kind.NUMBER:
            self._extend(float(finite.min()), float(finite.max()))
            self._add(_fsum(_weighted(finite.tolist(), weights)))
        else:
            self._take_integers(cells, finite, weights)
        return values

    def _take_integers(self, cells: Sequence[str], values: Floats, counts: Counts | None) -> None:
        exact = bool(np.abs(values).max() < EXACT_INTEGER)
        integers: list[int] = values.astype(np.int64).tolist() if exact else list(map(int, cells))
        self._extend(min(integers), max(integers))
        self._add(sum(_weighted(integers, counts)))

    def _take_moments(self, kind: Kind, moments: list[datetime]) -> bool:
        """Take moments; False if they cannot be ordered with those before."""
        if isinstance(self.low, datetime) and (self.low.tzinfo is None) != (moments[0].tzinfo is None):
            return False
        self.kind = widened(self.kind, kind)
        self._extend(min(moments), max(moments))
        return True

    def _extend(self, low: float | datetime, high: float | datetime) -> None:
        self.low = low if self.low is None else min(self.low, low)
        self.high = high if self.high is None else max(self.high, high)

    def _add(self, part: float) -> None:
        self._sums.append(part)
        if len(self._sums) > SUMS_HELD:
            self._sums = [_total(self._sums)]


def _weighted(values: list[int] | list[float], counts: Counts | None) -> list[int] | list[float]:
    if counts is None:
        return values
    return [value * count for value, count in zip(values, counts.tolist(), strict=True)]


def _total(sums: list[int | float]) -> int | float:
    """Add sums: integers stay integers of any size."""
    return sum(sums) if all(isinstance(part, int) for part in sums) else _fsum(sums)


def _fsum(values: Iterable[int | float]) -> float:
    """Sum correctly rounded; infinite where no double holds the sum."""
    try:
        return math.fsum(values)
    except OverflowError:
        return math.inf
