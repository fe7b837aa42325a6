"""ColumnSummary: the figures of one column, ready to be shown."""

import math
from dataclasses import dataclass
from datetime import datetime

from tasks_app.profiling.census import Census, take_census
from tasks_app.profiling.column import Column
from tasks_app.profiling.histogram import Histogram, draw_days, draw_histogram
from tasks_app.profiling.kind import DATED, NUMERIC, Kind, seconds_of
from tasks_app.profiling.order import quartiles
from tasks_app.profiling.spill import Spill

TOP_PLACES = 10


@dataclass(slots=True, kw_only=True)
class ColumnSummary:
    """What is known of a column. Numbers are None where the kind has none.

    rows: all rows, `rows == cells + empty`.
    distinct: different texts among the cells; "1.0" and "1.00" are two.
    low, high, mean, quartiles: of finite numbers; low and high also of moments (those with a zone in UTC).
    not_finite: cells like nan, inf or 1e999 in a number column, left out of the other figures.
    shortest, longest, mean_length: characters of a cell.
    top: the most frequent texts as written, with counts; ties by text in code point order.
    """

    name: str
    kind: Kind
    rows: int
    empty: int
    distinct: int
    low: int | float | datetime | None = None
    high: int | float | datetime | None = None
    mean: float | None = None
    quartiles: tuple[float, float, float] | None = None
    not_finite: int = 0
    histogram: Histogram | None = None
    shortest: int | None = None
    longest: int | None = None
    mean_length: float | None = None
    top: list[tuple[str, int]]

    @property
    def cells(self) -> int:
        """How many cells are not empty."""
        return self.rows - self.empty


def summarise(column: Column, spill: Spill) -> tuple[ColumnSummary, Census | None]:
    """Return the figures of a settled column, and a census if the texts of its top are still to be found."""
    figures, census = column.figures, None
    if column.tally is None:
        census = take_census(column.hashes, spill, TOP_PLACES)
    tally: dict[str, int] = column.tally or {}
    summary = ColumnSummary(
        name=column.name,
        kind=figures.final_kind,
        rows=figures.cells + column.empty,
        empty=column.empty,
        distinct=census.distinct if census else len(tally),
        top=sorted(tally.items(), key=lambda value: (-value[1], value[0]))[:TOP_PLACES],
    )
    if summary.kind in NUMERIC:
        _add_numbers(summary, column)
    elif summary.kind in DATED:
        _add_moments(summary, column)
    elif summary.kind is Kind.TEXT:
        summary.shortest, summary.longest = figures.shortest, figures.longest
        summary.mean_length = figures.characters / figures.cells
    return summary, census


def _add_moments(summary: ColumnSummary, column: Column) -> None:
    low, high = column.figures.low, column.figures.high
    summary.low, summary.high = low, high
    if isinstance(low, datetime) and isinstance(high, datetime):
        begin, end = seconds_of([low, high]).tolist()
        if summary.kind is Kind.DATE:
            summary.histogram = draw_days(column.number_chunks, begin, end)
        else:
            summary.histogram = draw_histogram(column.number_chunks, begin, end, whole=False)


def _add_numbers(summary: ColumnSummary, column: Column) -> None:
    figures = column.figures
    low, high = figures.low, figures.high
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return  # no finite number: the kind would not be numeric
    whole = summary.kind is Kind.INTEGER
    summary.low, summary.high = (low, high) if whole else (float(low), float(high))
    summary.mean = figures.mean
    summary.not_finite = figures.not_finite
    summary.quartiles = quartiles(column.number_chunks, figures.finite)
    if math.isfinite(float(low)) and math.isfinite(float(high)):
        summary.histogram = draw_histogram(column.number_chunks, float(low), float(high), whole=whole)
