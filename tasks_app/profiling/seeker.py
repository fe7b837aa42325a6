"""Seeker: the texts of a spilled column's most frequent values, found in a second pass over the rows.

The census knows them by hash. In the second pass the few that are surely in are looked up by hash until
all are found; the places shared by equally frequent values go to the first of their texts, so only texts
before the last place's text so far need to be asked for.
"""

from collections.abc import Sequence

import numpy as np

from tasks_app.profiling.census import Census
from tasks_app.profiling.column import hashes_of


class Seeker:
    """Looks for texts in the cells of one column."""

    def __init__(self, census: Census) -> None:
        self._census = census
        self._wanted = set(census.above)
        self._found: dict[str, int] = {}
        self._tied: list[str] = []  # the first texts among the tied, sorted

    def look(self, cells: Sequence[str]) -> None:
        """Take the cells of some rows, empty ones too."""
        if self._wanted:
            for text in set(cells):
                code = hash(text) & 0xFFFF_FFFF_FFFF_FFFF
                if code in self._wanted and text and not text.isspace():
                    self._wanted.remove(code)
                    self._found[text] = self._census.above[code]
        if self._census.places:
            self._look_for_tied(cells)

    def top(self) -> list[tuple[str, int]]:
        """Return text and count, the most frequent first, ties by text."""
        values = [*self._found.items(), *((text, self._census.boundary) for text in self._tied)]
        return sorted(values, key=lambda value: (-value[1], value[0]))

    def _look_for_tied(self, cells: Sequence[str]) -> None:
        places = self._census.places
        if len(self._tied) == places:
            limit = self._tied[-1]
            cells = [cell for cell in cells if cell < limit]
        texts = [text for text in set(cells).difference(self._tied) if text and not text.isspace()]
        if texts:
            tied = [text for text, fits in zip(texts, self._are_tied(texts), strict=True) if fits]
            self._tied = sorted([*self._tied, *tied])[:places]

    def _are_tied(self, texts: Sequence[str]) -> list[bool]:
        hashes, tied = hashes_of(texts), self._census.tied
        if tied is None:
            return [code not in self._census.above for code in hashes.tolist()]
        if not tied.size:
            return [False] * len(texts)
        places = np.minimum(np.searchsorted(tied, hashes), tied.size - 1)
        found: list[bool] = (tied[places] == hashes).tolist()
        return found
