"""What failed lately, by job and by error: two matrices whose every number leads to just these tasks.

One query counts both. The spans lie in one another, so the longest one is the whole of a row. Children are not
counted, as they are not listed: a family shows by its parent.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from operator import add
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Count, Q, Value
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone

from tasks_app.models import Task
from tasks_app.registry import title_of
from tasks_app.search import ALL
from tasks_app.terms import Term
from tasks_app.transitions import BAD

MOST_ROWS: Final = 10  # of a matrix: the worst ones
SPANS: Final = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7)}

Counts = tuple[int, ...]  # one for each of `SPANS`
NONE: Final[Counts] = (0,) * len(SPANS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """How many failed in one span, and the task list that shows them."""

    number: int
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a matrix: a job or an error code, with a count for each of `SPANS`."""

    name: str
    counts: tuple[Cell, ...]
    title: str  # the name in words, where there are any


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The worst rows, and `total`, the counts of all that failed: also of what is in no row, if `is_cut`."""

    rows: tuple[Row, ...]
    total: tuple[Cell, ...]
    is_cut: bool


def matrices() -> tuple[Matrix, Matrix]:
    """The failed and lost tasks by their job, and by their error's code."""
    groups = list(_groups())
    return _matrix("job", groups), _matrix("error", groups)


def _groups() -> Iterable[tuple[dict[str, str], Counts]]:
    """How many failed, for each job and error that occur together."""
    now = timezone.now()
    bad = Task.objects.bad().filter(finished_at__gte=now - max(SPANS.values()), parent=None)
    spans = {f"in_{name}": Count("pk", filter=Q(finished_at__gte=now - span)) for name, span in SPANS.items()}
    # Grouped by expressions: for plain columns SQLite would walk through a million rows in their order.
    named: Any = bad.order_by().values(by_job=Coalesce("job", Value("")), by_error=Coalesce("error_code", Value("")))
    for row in named.annotate(**spans):
        yield {"job": row["by_job"], "error": row["by_error"]}, tuple(row[f"in_{name}"] for name in SPANS)


def _matrix(key: str, groups: Iterable[tuple[Mapping[str, str], Counts]]) -> Matrix:
    """The matrix by one of the search's keys."""
    sums: defaultdict[str, Counts] = defaultdict(lambda: NONE)
    total = NONE
    for names, counts in groups:
        sums[names[key]] = tuple(map(add, sums[names[key]], counts))
        total = tuple(map(add, total, counts))
    worst = sorted((name for name in sums if name), key=lambda name: (-sums[name][-1], name))[:MOST_ROWS]
    return Matrix(
        rows=tuple(_row(key, name, sums[name]) for name in worst),
        total=_cells(total),
        is_cut=len(worst) < len(sums),
    )


def _row(key: str, name: str, counts: Counts) -> Row:
    title = title_of(name) if key == "job" else name
    return Row(name=name, counts=_cells(counts, str(Term(key, name))), title=title)


def _cells(counts: Counts, *terms: str) -> tuple[Cell, ...]:
    return tuple(Cell(number=number, link=_link(span, *terms)) for span, number in zip(SPANS, counts, strict=True))


def _link(span: str, *terms: str) -> str:
    wanted = [*terms, *(f"state:{state.value}" for state in BAD), f"ended:{span}"]
    return f"{reverse('tasks:list')}?{urlencode({'scope': ALL, 'q': wanted}, doseq=True)}"
