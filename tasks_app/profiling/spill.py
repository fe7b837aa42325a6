"""Spill: one temporary file for the figures of all columns, as runs of 64-bit values.

One file, not one a column: thousands of columns would run out of file handles. It has no name, so the
system removes it when the process ends, however it ends.
"""

import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

Word = TypeVar("Word", np.uint64, np.float64)
WORD_BYTES = 8
RUN_BYTES = 2048  # the least that is written at a time: thousands of columns hold so much each
CHUNK_WORDS = 128 * 1024  # values handed out at a time: 1 MiB


class Spill:
    """The file; a context manager that closes it."""

    def __init__(self) -> None:
        self.file = tempfile.TemporaryFile(prefix="profile-")  # noqa: SIM115 (closed in __exit__)
        self.end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()

    def write(self, words: NDArray[np.uint64] | NDArray[np.float64]) -> int:
        """Append values; return where they begin, in bytes."""
        offset = self.end
        self.file.seek(offset)
        self.file.write(words.data)
        self.end += words.nbytes
        return offset

    def mapped(self, words: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Move values to the file; return them as a view that takes memory only where it is read."""
        if not words.size:
            return words
        offset = self.write(words)
        self.file.flush()
        return np.memmap(self.file, np.uint64, "r", offset, words.shape)


class Tape(Generic[Word]):
    """A sequence of values in a spill; written once at its end, read as often as needed."""

    def __init__(self, spill: Spill, dtype: type[Word]) -> None:
        self._spill = spill
        self._dtype: type[Word] = dtype
        self._runs: list[tuple[int, int]] = []  # offset in bytes, number of values
        self._pending = bytearray()  # values of small batches, until they are worth a run
        self.size = 0

    def write(self, words: NDArray[Word]) -> None:
        """Append values."""
        self._pending += words.tobytes()
        self.size += words.size
        if len(self._pending) >= RUN_BYTES:
            self._flush()

    def chunks(self) -> Iterator[NDArray[Word]]:
        """Yield all values in order, about CHUNK_WORDS at a time."""
        self._flush()
        held: list[NDArray[Word]] = []
        size = 0
        for offset, count in self._runs:
            self._spill.file.seek(offset)
            held.append(np.frombuffer(self._spill.file.read(count * WORD_BYTES), self._dtype))
            size += count
            if size >= CHUNK_WORDS:
                yield np.concatenate(held)
                held, size = [], 0
        if held:
            yield np.concatenate(held)

    def _flush(self) -> None:
        if self._pending:
            words = np.frombuffer(bytes(self._pending), self._dtype)
            self._runs.append((self._spill.write(words), words.size))
            self._pending = bytearray()
