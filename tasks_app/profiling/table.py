"""Table: all columns of an upload, from the first row to the last figure."""

from collections.abc import Iterator
from dataclasses import dataclass

from tasks_app.profiling.column import Column
from tasks_app.profiling.layout import Layout
from tasks_app.profiling.rows import Rows
from tasks_app.profiling.seeker import Seeker
from tasks_app.profiling.source import Opener
from tasks_app.profiling.spill import Spill
from tasks_app.profiling.summary import ColumnSummary, summarise

# what all tallies of a table may hold together; a column gets its share, within these bounds
TALLY_TEXTS = 40_000
TALLY_CHARACTERS = 8_000_000
LEAST_TEXTS, MOST_TEXTS = 16, 10_000
LEAST_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How far a pass is: rows done of this pass, bytes of the file taken."""

    rows: int
    bytes_read: int


class Table:
    """Reads the file once, then once more if texts of frequent values must be found."""

    def __init__(self, opener: Opener, layout: Layout, spill: Spill) -> None:
        self._opener = opener
        self._layout = layout
        self._spill = spill
        self._columns: list[Column] = []
        self._seekers: dict[int, Seeker] = {}
        self.rows = Rows(opener, layout)
        self.summaries: list[ColumnSummary] = []

    @property
    def width(self) -> int:
        """The number of columns seen so far."""
        return len(self._columns)

    @property
    def has_spilled(self) -> bool:
        """Say whether texts of frequent values must be found in a second pass; known after read()."""
        return any(column.tally is None for column in self._columns) or bool(self._seekers)

    def read(self) -> Iterator[Step]:
        """Read all rows, yielding after each batch.

        Raises:
            BadFile: as Rows.batches.
        """
        done = 0
        for batch in self.rows.batches():
            self._widen(len(batch.columns), done)
            for column, cells in zip(self._columns, batch.columns, strict=False):
                column.add(cells)
            done += batch.rows
            yield Step(rows=done, bytes_read=batch.bytes_read)
        for column in self._columns:
            column.settle()

    def summarise(self) -> Iterator[ColumnSummary]:
        """Take the figures of the columns, one at a time."""
        for number, column in enumerate(self._columns):
            summary, census = summarise(column, self._spill)
            if census is not None:
                self._seekers[number] = Seeker(census)
            self.summaries.append(summary)
            yield summary
        self._columns = []

    def seek(self) -> Iterator[Step]:
        """Read the rows again for the texts of frequent values, yielding after each batch."""
        done = 0
        for batch in Rows(self._opener, self._layout).batches():
            for number, seeker in self._seekers.items():
                if number < len(batch.columns):
                    seeker.look(batch.columns[number])
            done += batch.rows
            yield Step(rows=done, bytes_read=batch.bytes_read)
        for number, seeker in self._seekers.items():
            self.summaries[number].top = seeker.top()

    def _widen(self, width: int, done: int) -> None:
        names = self.rows.names
        limits = {
            "text_limit": min(max(TALLY_TEXTS // width, LEAST_TEXTS), MOST_TEXTS),
            "character_limit": max(TALLY_CHARACTERS // width, LEAST_CHARACTERS),
        }
        self._columns += [
            Column(names[number], self._spill, empty=done, **limits) for number in range(len(self._columns), width)
        ]
