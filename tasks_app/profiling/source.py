"""Source: the bytes of an upload, counted while they are read, and readable as often as needed."""

import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol


class Readable(Protocol):
    """What is asked of an opened upload."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none at the end."""
        ...


Opener = Callable[[], AbstractContextManager[Readable]]  # opens the file anew, at its first byte


class Source(io.RawIOBase):
    """A file that knows how many of its bytes were taken; the base of a true percentage."""

    def __init__(self, file: Readable) -> None:
        super().__init__()
        self._file = file
        self.bytes_read = 0

    def readable(self) -> bool:
        """Say yes, so that io.BufferedReader accepts it."""
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # typeshed: a private protocol
        """Fill the buffer from the file; return the number of bytes, 0 at the end."""
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self.bytes_read += len(data)
        return len(data)
