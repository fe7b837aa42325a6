"""The archive of thumbnails: images are packed already, so they are only laid side by side."""

import zipfile
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import IO, Final, Self

BEGINNING: Final = (1980, 1, 1, 0, 0, 0)  # the same images give the same archive


class Album:
    """A ZIP archive that is being written, in a `with` block; no two of its names are the same."""

    def __init__(self, file: IO[bytes]) -> None:
        self._archive = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)
        self._names: set[str] = set()

    def add(self, name: str, data: bytes) -> None:
        """Add a file; a name that is taken gets a number."""
        free, number = name, 2
        while free.casefold() in self._names:
            path = PurePosixPath(name)
            free, number = str(path.with_name(f"{path.stem}-{number}{path.suffix}")), number + 1
        self._names.add(free.casefold())
        self._archive.writestr(zipfile.ZipInfo(free, BEGINNING), data)

    def add_all(self, file: IO[bytes]) -> int:
        """Add what another album holds; gives how many files."""
        with zipfile.ZipFile(file) as other:
            names = other.namelist()
            for name in names:
                self.add(name, other.read(name))
        return len(names)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._archive.close()


def renamed(name: str, suffix: str) -> str:
    """The name of a thumbnail: the image's own, with another ending."""
    return str(PurePosixPath(name.replace("\\", "/")).with_suffix(suffix))


def batches(places: Iterable[int], size: int) -> list[list[int]]:
    """Divide the places of an archive's files, in their order."""
    listed = list(places)
    return [listed[first : first + size] for first in range(0, len(listed), size)]
