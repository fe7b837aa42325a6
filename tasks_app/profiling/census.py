"""Census: how many different texts a spilled column has, and which hashes are the frequent ones.

The hashes are counted in parts by their highest bits, so that sorting takes no more than PART_WORDS values
at a time, however many rows there are.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks_app.profiling.spill import Spill, Tape

PART_WORDS = 2 * 1024 * 1024  # hashes sorted at a time: 16 MiB

Hashes = NDArray[np.uint64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """The distinct count, and what is needed to find the texts of the frequent values.

    distinct: different hashes.
    above: hash → count of the values that are surely among the first `places`.
    boundary: the count at which the last places are shared; ties are broken by text.
    places: how many places are left for values that occur `boundary` times.
    tied: the hashes that occur `boundary` times, sorted; None: all that are not in `above`.
    """

    distinct: int
    above: dict[int, int]
    boundary: int
    places: int
    tied: Hashes | None


def take_census(hashes: Tape[np.uint64], spill: Spill, places: int, part_words: int = PART_WORDS) -> Census:
    """Count the hashes of a column; `places` is how many of the most frequent values are wanted."""
    distinct = 0
    often, counts = np.empty(0, np.uint64), np.empty(0, np.int64)
    boundary = 1
    for part in _parts(hashes, part_words):
        part_hashes, part_counts = _count(part)
        distinct += part_hashes.size
        # what occurs once is never needed: if the boundary ends at 1, every hash not in `above` does
        chosen = part_counts >= max(boundary, 2)
        often = np.concatenate([often, part_hashes[chosen]])
        counts = np.concatenate([counts, part_counts[chosen]])
        if counts.size >= places:
            boundary = int(np.partition(counts, -places)[-places])
            often, counts = often[counts >= boundary], counts[counts >= boundary]
    above = counts > boundary
    return Census(
        distinct=distinct,
        above=dict(zip(often[above].tolist(), counts[above].tolist(), strict=True)),
        boundary=boundary,
        places=min(places, distinct) - int(above.sum()),
        tied=spill.mapped(often[~above]) if boundary > 1 else None,
    )


def _parts(hashes: Tape[np.uint64], part_words: int) -> Iterator[Hashes]:
    """Yield the hashes in ranges of their highest bits; a range is about part_words long."""
    bits = max(0, (hashes.size - 1) // part_words).bit_length()
    for number in range(2**bits):
        chosen = [chunk[chunk >> np.uint64(64 - bits) == number] if bits else chunk for chunk in hashes.chunks()]
        yield np.concatenate(chosen) if chosen else np.empty(0, np.uint64)


def _count(words: Hashes) -> tuple[Hashes, Counts]:
    """Sort in place; return the different hashes and how often each occurs."""
    words.sort()
    starts = np.flatnonzero(np.concatenate([[True], words[1:] != words[:-1]])) if words.size else np.empty(0, np.intp)
    return words[starts], np.diff(starts, append=words.size)
