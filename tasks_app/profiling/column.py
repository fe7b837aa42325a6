"""Column: what is kept of one column while the rows stream by.

A column begins as a tally, text → count. When it has too many different texts it is *spilled*: each cell
is kept as a 64-bit hash (and, while numeric, as a double) in the spill, and the tally is dropped.

The hash is Python's own for text: SipHash-1-3 of 64 bits, keyed at random for each process. Two different
texts among n have the same hash with a probability below n² / 2^65: 3e-8 for a million different texts,
and then the number of distinct values is too small by one. The key makes sure that nobody can craft
a file which collides.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tasks_app.profiling.figures import Counts, Figures
from tasks_app.profiling.kind import Floats, are_blank, read_moments, read_numbers, seconds_of
from tasks_app.profiling.spill import CHUNK_WORDS, Spill, Tape

Hashes = NDArray[np.uint64]


class Column:
    """The cells of one column, as much of them as exact figures need."""

    def __init__(self, name: str, spill: Spill, *, text_limit: int, character_limit: int, empty: int = 0) -> None:
        """Begin a column.

        Args:
            name: unique in its file.
            spill: where values go when there are too many.
            text_limit: different texts held in memory.
            character_limit: characters of such texts held in memory.
            empty: rows already gone by, in which this column had no cell.
        """
        self.name = name
        self.empty = empty
        self.figures = Figures()
        self.tally: Counter[str] | None = Counter()  # None once spilled
        self.hashes = Tape(spill, np.uint64)
        self.numbers = Tape(spill, np.float64)  # complete only if the column ends numeric, or dated
        self._text_limit = text_limit
        self._character_limit = character_limit
        self._texts = 0

    @property
    def cells(self) -> int:
        """How many cells are not empty; true once the column is settled."""
        return self.figures.cells

    def add(self, cells: Sequence[str]) -> None:
        """Take the cells of some rows, empty ones too."""
        if self.tally is None:
            self._stream(cells)
            return
        self.tally.update(cells)
        if len(self.tally) == self._texts:
            return
        self._texts = len(self.tally)
        if self._texts > self._text_limit or sum(map(len, self.tally)) > self._character_limit:
            self._spill_tally(self.tally)

    def settle(self) -> None:
        """Say that all rows have gone by: a tally's figures are taken now."""
        if self.tally is not None:
            self._drop_empty(self.tally)
            if self.tally:
                self.figures.absorb(list(self.tally), _counts(self.tally))

    def _stream(self, cells: Sequence[str]) -> None:
        blank = are_blank(cells)
        if blank:
            self.empty += blank
            cells = [cell for cell in cells if cell and not cell.isspace()]
        if cells:
            self.hashes.write(hashes_of(cells))
            self._write_numbers(self.figures.absorb(cells))

    def _write_numbers(self, values: Floats | None) -> None:
        if values is not None:
            self.numbers.write(values[np.isfinite(values)])

    def number_chunks(self) -> Iterator[tuple[Floats, Counts | None]]:
        """Yield the finite numbers of a settled numeric or dated column, with counts where it is a tally."""
        if self.tally is None:
            yield from ((chunk, None) for chunk in self.numbers.chunks())
        elif (values := _values(list(self.tally))) is not None:
            finite = np.isfinite(values)
            yield values[finite], _counts(self.tally)[finite]

    def _drop_empty(self, tally: Counter[str]) -> None:
        for cell in [cell for cell in tally if not cell or cell.isspace()]:
            self.empty += tally.pop(cell)

    def _spill_tally(self, tally: Counter[str]) -> None:
        """Write each text's hash and number as often as it was seen; go on as a stream."""
        self._drop_empty(tally)
        self.tally = None
        if not tally:
            return
        texts, counts = list(tally), _counts(tally)
        numbers = self.figures.absorb(texts, counts)
        for places in _repeated(counts):
            self.hashes.write(hashes_of(texts)[places])
            self._write_numbers(None if numbers is None else numbers[places])


def hashes_of(texts: Sequence[str]) -> Hashes:
    """Return the 64-bit hash of each text; the same for the whole life of this process."""
    return np.fromiter(map(hash, texts), np.int64, len(texts)).view(np.uint64)


def _values(texts: Sequence[str]) -> Floats | None:
    if (numbers := read_numbers(texts)) is not None:
        return numbers[1]
    moments = read_moments(texts)
    return None if moments is None else seconds_of(moments[1])


def _counts(tally: Counter[str]) -> Counts:
    return np.fromiter(tally.values(), np.int64, len(tally))


def _repeated(counts: Counts) -> Iterator[NDArray[np.intp]]:
    """Yield each place as often as its count says, a bounded number at a time."""
    ends = np.cumsum(counts)
    total = int(ends[-1])
    for start in range(0, total, CHUNK_WORDS):
        yield np.searchsorted(ends, np.arange(start, min(start + CHUNK_WORDS, total)), side="right")
