"""Rows: the one streaming pass over an upload, in batches of columns.

1. A batch is bounded in cells and in bytes, so that thousands of columns or very long cells need no more
   memory than ten short ones. The csv module cuts the rows, zip() turns them: no cell is touched by Python
   code.
2. A last line of U+0000 (which no accepted file holds) is added: when it does not arrive as a row of its
   own, a quote was never closed and has swallowed it.
3. A short row is filled with empty cells; a long one adds columns. Both are counted, none is dropped.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice, zip_longest
from typing import Protocol

from django.utils.translation import gettext as _

from progress_app.words import fill
from tasks_app.profiling.fault import BadFile
from tasks_app.profiling.header import numbered_name, unique_names
from tasks_app.profiling.layout import Layout
from tasks_app.profiling.source import Opener, Source

BATCH_CELLS = 40_000
BATCH_BYTES = 1024 * 1024
LEAST_ROWS = 64  # of a batch, if its bytes allow: a column has a cost for each batch
STEP_ROWS = 32  # the size of a batch is looked at after so many rows
LINE_LIMIT = 16 * 1024 * 1024  # characters of one line; a longer one is no row
COLUMN_LIMIT = 10_000
EXAMPLES = 5  # line numbers named in a warning
BUFFER_BYTES = 64 * 1024
SENTINEL = "\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some rows, as columns; `bytes_read` of the file were taken so far."""

    columns: Sequence[Sequence[str]]
    rows: int
    bytes_read: int


class Reader(Protocol):
    """What csv.reader returns."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...
    def __next__(self) -> list[str]: ...


class Rows:
    """Reads a file once; what it saw is in its attributes when the batches are through."""

    def __init__(self, opener: Opener, layout: Layout) -> None:
        self._opener = opener
        self._layout = layout
        self.names: list[str] = []  # grows when a row is longer than all before it
        self.name_changes: list[str] = []
        self.rows = 0
        self.blank_lines = 0  # lines without any character; they are no rows
        self.short_rows = 0
        self.long_rows = 0
        self.ragged_lines: list[int] = []  # the first EXAMPLES lines, from 1
        self._width = 0  # cells of the header: what a row should have

    def batches(self) -> Iterator[Batch]:
        """Yield all rows after the header.

        Raises:
            BadFile: "no_rows", "unclosed_quote", "cell_too_long", "line_too_long", "too_many_columns",
                "unreadable_row".
        """
        with self._opener() as file:
            source = Source(file)
            with io.TextIOWrapper(
                io.BufferedReader(source, BUFFER_BYTES), self._layout.encoding.codec, newline=""
            ) as text:
                reader = self._reader(text)
                try:
                    yield from self._read(reader, source)
                except csv.Error as error:
                    raise _unreadable(reader.line_num, error) from error
        if not self.rows:
            told = _(
                "The file has a header of {columns} columns and no rows. Choose a file with rows, or "
                "say in the form that its first row is data."
            )
            raise BadFile("no_rows", fill(told, columns=self._width))

    def _reader(self, text: io.TextIOWrapper) -> Reader:
        dialect = self._layout.dialect
        return csv.reader(
            chain(_lines(text), [SENTINEL]),
            delimiter=dialect.delimiter,
            quotechar=dialect.quote or None,
            quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        )

    def _read(self, reader: Reader, source: Source) -> Iterator[Batch]:
        ended = False
        left_over = self._take_header(reader)
        while not ended:
            first_line = reader.line_num + 1 - len(left_over)
            rows, ended = self._gather(reader, source, left_over)
            left_over = []
            if ended:
                _refuse_unclosed_quote(rows.pop(), reader.line_num)
            columns = self._turn(rows, first_line)
            count = len(columns[0]) if columns else 0
            self.rows += count
            if count:
                yield Batch(columns=columns, rows=count, bytes_read=source.bytes_read)

    def _take_header(self, reader: Reader) -> list[list[str]]:
        """Name the columns by the first row that is not blank; return that row if it is data."""
        first = next(row for row in reader if row)  # the sentinel is one at the latest
        if first[-1].endswith(SENTINEL):
            _refuse_unclosed_quote(first, reader.line_num)
        _refuse_wide(len(first))
        self._width = len(first)
        header = first if self._layout.has_header else [""] * len(first)
        self.names, changes = unique_names(header)
        if self._layout.has_header:
            self.name_changes = changes
            return []
        return [first]

    def _gather(self, reader: Reader, source: Source, rows: list[list[str]]) -> tuple[list[list[str]], bool]:
        """Add rows until the batch is full; say whether the file has ended."""
        goal = max(LEAST_ROWS, BATCH_CELLS // len(self.names))
        step = min(STEP_ROWS, goal)
        start = source.bytes_read
        while len(rows) < goal and source.bytes_read - start < BATCH_BYTES:
            taken = list(islice(reader, step))
            rows += taken
            if len(taken) < step or SENTINEL in taken[-1][-1:]:
                return rows, True
        return rows, False

    def _turn(self, rows: list[list[str]], first_line: int) -> Sequence[Sequence[str]]:
        """Make columns of rows, all equally long, and count the rows that are not."""
        widths = set(map(len, rows))
        if widths - {self._width}:
            self._note_ragged(rows, first_line)
            rows = [row for row in rows if row]
        self._widen(max(widths, default=0))
        if widths <= {len(self.names)}:
            return list(zip(*rows, strict=True))
        columns = list(zip_longest(*rows, fillvalue=""))
        missing = ("",) * len(rows)
        return columns + [missing] * (len(self.names) - len(columns)) if rows else []

    def _widen(self, width: int) -> None:
        _refuse_wide(width)
        for number in range(len(self.names) + 1, width + 1):
            self.names.append(numbered_name(number, self.names))

    def _note_ragged(self, rows: list[list[str]], line: int) -> None:
        """Count blank, short and long rows; a cell's own line breaks count for the line numbers."""
        for row in rows:
            if not row:
                self.blank_lines += 1
            elif len(row) != self._width:
                self.short_rows += len(row) < self._width
                self.long_rows += len(row) > self._width
                if len(self.ragged_lines) < EXAMPLES:
                    self.ragged_lines.append(line)
            line += 1 + sum(cell.count("\n") or cell.count("\r") for cell in row)


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Yield lines of a bounded length: a file without line breaks must not come as one string."""
    for line in iter(partial(text.readline, LINE_LIMIT), ""):
        if len(line) == LINE_LIMIT:
            told = _(
                "A line has more than {most} characters: the file is no CSV, or its line breaks are "
                "missing. Export it again."
            )
            raise BadFile("line_too_long", fill(told, most=LINE_LIMIT))
        yield line


def _refuse_wide(width: int) -> None:
    if width > COLUMN_LIMIT:
        text = _(
            "A row has {cells} cells; at most {most} columns are profiled. Check the delimiter, or split the file."
        )
        raise BadFile("too_many_columns", fill(text, cells=width, most=COLUMN_LIMIT))


def _refuse_unclosed_quote(last: list[str], last_line: int) -> None:
    """Raise unless the last row is the sentinel alone."""
    if last == [SENTINEL]:
        return
    breaks = sum(cell.count("\n") or cell.count("\r") for cell in last)
    text = _(
        "The row that begins in line {line} opens a quote that is never closed, so its end "
        'cannot be told. Close it, or choose "none" as the quote character.'
    )
    raise BadFile("unclosed_quote", fill(text, line=last_line - breaks))


def _unreadable(line: int, error: csv.Error) -> BadFile:
    if "field limit" in str(error):
        text = _(
            "A cell that ends near line {line} has more than {most} characters, often "
            'by a quote that is not closed. Shorten it, close the quote, or choose "none" as the quote character.'
        )
        return BadFile("cell_too_long", fill(text, line=line, most=csv.field_size_limit()))
    text = _("Line {line} cannot be read as CSV ({error}). Correct that line.")
    return BadFile("unreadable_row", fill(text, line=line, error=error))
