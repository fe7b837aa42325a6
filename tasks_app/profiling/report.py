"""Report: the figures as JSON and as what the HTML template shows. No drawing library: a bar is a number."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.utils.formats import get_format
from django.utils.translation import gettext as _

from progress_app.words import said
from tasks_app.profiling.histogram import DAY_S
from tasks_app.profiling.kind import Kind
from tasks_app.profiling.summary import ColumnSummary

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (a column has a zone or none; its edges take it over)
VALUE_LIMIT = 200  # characters of a value that are shown, in JSON too; the length is told beside it
EXAMPLES = 3  # values of a column in which each occurs once
CARDS = 500  # columns with a card of their own in the HTML report; the JSON file has all
DIGITS = 7  # significant digits of a number on the page; the JSON file has them all
LONGEST_PLAIN = 1e15  # from here on with an exponent
BAR_WIDTH, HEIGHT = 20, 96  # units of the drawing, which is scaled to the page


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a report says of the file as a whole."""

    name: str
    bytes: int
    rows: int
    delimiter: str
    encoding: str
    has_header: bool
    warnings: tuple[str, ...]
    made_at: datetime


def to_json(about: About, columns: list[ColumnSummary]) -> bytes:
    """Return the whole report as indented JSON; numbers keep all their digits."""
    document = {
        "version": 1,
        "file": {"name": about.name, "bytes": about.bytes},
        "made_at": about.made_at.isoformat(timespec="seconds"),
        "rows": about.rows,
        "delimiter": about.delimiter,
        "encoding": about.encoding,
        "has_header": about.has_header,
        "warnings": list(about.warnings),
        "columns": [_column(column) for column in columns],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2)


def to_context(about: About, columns: list[ColumnSummary]) -> dict[str, Any]:
    """Return what the template jobs/profile_csv/report.html shows."""
    return {
        "about": about,
        "rows": _count(about.rows),
        "width": len(columns),
        "cards": [_card(number, column) for number, column in enumerate(columns[:CARDS], start=1)],
        "more": max(0, len(columns) - CARDS),
    }


def _column(column: ColumnSummary) -> dict[str, Any]:
    low, high = column.quartiles and column.quartiles[0], column.quartiles and column.quartiles[2]
    return {
        "name": column.name,
        "type": column.kind.value,
        "count": column.cells,
        "empty": column.empty,
        "distinct": column.distinct,
        "min": _plain(column.low, column.kind),
        "max": _plain(column.high, column.kind),
        "mean": column.mean,
        "quartiles": {"q1": low, "median": column.quartiles[1], "q3": high} if column.quartiles else None,
        "not_finite": column.not_finite,
        "length": _length(column),
        "histogram": _bins(column),
        "top": [_value(text, count) for text, count in column.top],
    }


def _plain(value: float | datetime | None, kind: Kind) -> float | str | None:
    """A moment as ISO 8601; an integer of more than 64 bits, which JSON readers would spoil, as text."""
    if isinstance(value, datetime):
        return value.date().isoformat() if kind is Kind.DATE else value.isoformat()
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)
    return value


def _length(column: ColumnSummary) -> dict[str, Any] | None:
    if column.mean_length is None:
        return None
    return {"min": column.shortest, "mean": column.mean_length, "max": column.longest}


def _bins(column: ColumnSummary) -> dict[str, Any] | None:
    """The edges of moments are told as moments are; of days the first and the last, and how many a bar has."""
    histogram = column.histogram
    if histogram is None:
        return None
    is_days = column.kind is Kind.DATE
    edges = (histogram.low, histogram.high - (DAY_S if is_days else 0))
    low, high = (_plain(_edge(edge, column), column.kind) for edge in edges)
    days = {"days": round(histogram.step / DAY_S)} if is_days else {}
    return {"low": low, "high": high, **days, "counts": list(histogram.counts)}


def _edge(value: float, column: ColumnSummary) -> float | datetime:
    """An edge of a column's histogram as its values are; the last one that there is where no moment is so late."""
    if not isinstance(column.low, datetime):
        return value
    try:
        moment = EPOCH + timedelta(seconds=value)
    except OverflowError:
        moment = datetime.max  # noqa: DTZ901  (as above)
    return moment.replace(tzinfo=column.low.tzinfo)


def _value(text: str, count: int) -> dict[str, Any]:
    value = {"value": text[:VALUE_LIMIT], "count": count}
    return value | {"cut_from": len(text)} if len(text) > VALUE_LIMIT else value


def _card(number: int, column: ColumnSummary) -> dict[str, Any]:
    most = column.top[0][1] if column.top else 1
    return {
        "number": number,
        "column": column,
        "kind": said(column.kind.value),
        "empty": _count(column.empty),
        "distinct": _count(column.distinct),
        "filled": 100 * column.cells / column.rows if column.rows else 0,
        "figures": _figures(column),
        "histogram": _drawing(column),
        "all_once": bool(column.top) and most == 1,
        "examples": [_cut(text) for text, _ in column.top[:EXAMPLES]] if column.kind is Kind.TEXT else [],
        "others_once": most > 1 and column.top[-1][1] == 1,
        "top": [
            {
                "text": _cut(text),
                "count": _count(count),
                "share": 100 * count / column.cells,
                "width": round(100 * count / most, 1),
            }
            for text, count in column.top
            if count > 1
        ],
    }


def _cut(text: str) -> str:
    return text[:VALUE_LIMIT] + ("…" if len(text) > VALUE_LIMIT else "")


def _figures(column: ColumnSummary) -> list[tuple[str, str]]:
    """Return the figures of a column's kind as name and text, in reading order."""
    q1, median, q3 = column.quartiles or (None, None, None)
    is_text = column.kind is Kind.TEXT
    pairs = [
        (_("Values"), _count(column.cells)),
        (_("Empty"), _count(column.empty)),
        (_("Distinct"), _count(column.distinct)),
        (_("Minimum"), shown(column.low, column.kind)),
        (_("Lower quartile"), shown(q1)),
        (_("Median"), shown(median)),
        (_("Mean"), shown(column.mean)),
        (_("Upper quartile"), shown(q3)),
        (_("Maximum"), shown(column.high, column.kind)),
        (_("Not finite"), _count(column.not_finite) if column.not_finite else ""),
        (_("Shortest"), _characters(column.shortest) if is_text else ""),
        (_("Mean length"), _characters(column.mean_length)),
        (_("Longest"), _characters(column.longest) if is_text else ""),
    ]
    return [(name, text) for name, text in pairs if text]


def shown(value: float | datetime | None, kind: Kind | None = None) -> str:
    """Return a figure as a person reads it; empty for None."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if kind is Kind.DATE else value.isoformat(sep=" ")
    if isinstance(value, int):
        return _count(value)
    if 10**DIGITS <= abs(value) < LONGEST_PLAIN:
        return _local(f"{value:,.2f}")
    return _local(f"{value:,.{DIGITS}g}")


def _count(number: int) -> str:
    return _local(f"{number:,}")


def _characters(length: float | None) -> str:
    if length is None:
        return ""
    number = f"{length:,}" if isinstance(length, int) else f"{length:,.1f}"
    return _("{number} characters").format(number=_local(number))


def _local(figure: str) -> str:
    """A figure with the separators of the report's language."""
    separators = {",": get_format("THOUSAND_SEPARATOR"), ".": get_format("DECIMAL_SEPARATOR")}
    return figure.translate(str.maketrans(separators))


def _drawing(column: ColumnSummary) -> dict[str, Any] | None:
    """Return a histogram as rectangles; a bar that counts anything is at least one unit high."""
    histogram = column.histogram
    if histogram is None:
        return None
    most, step = max(histogram.counts), histogram.step
    bars: list[dict[str, Any]] = []
    for place, count in enumerate(histogram.counts):
        height = max(1.0, round(HEIGHT * count / most, 1)) if count else 0
        begin = histogram.low + place * step
        share = min(1.0, (histogram.high - begin) / step) if column.kind is Kind.DATE else 1.0
        low, high = _ends(column, begin, share * step)
        bars.append({
            "x": place * BAR_WIDTH, "y": HEIGHT - height, "height": height, "width": round(share * BAR_WIDTH - 2, 1),
            "label": _bar_label(low, high, count, is_shorter=share < 1),
        })  # fmt: skip
    return {
        "bars": bars,
        "width": round(bars[-1]["x"] + bars[-1]["width"] + 2, 1),
        "height": HEIGHT,
        "low": _ends(column, histogram.low, step)[0],
        "high": _ends(column, histogram.high - step, step)[1],
    }


def _bar_label(low: str, high: str, count: int, *, is_shorter: bool) -> str:
    """What a bar counts; of days the last may have fewer than the others, which is no fall of the figures."""
    text = _("{low} to {high}: {count}") if low != high else _("{low}: {count}")
    told = text.format(low=low, high=high, count=_count(count))
    return _("{bar} (a shorter bar)").format(bar=told) if is_shorter else told


def _ends(column: ColumnSummary, low: float, width: float) -> tuple[str, str]:
    """A bar's edges as a person reads them; of days the first and the last."""
    high = low + width - (DAY_S if column.kind is Kind.DATE else 0)
    first, last = (shown(_edge(edge, column), column.kind) for edge in (low, high))
    return first, last
