"""The parts of profiling that only big files reach, reached with small ones."""

import random
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tasks_app.profiling.census import take_census
from tasks_app.profiling.column import hashes_of
from tasks_app.profiling.order import Counts, Floats, quartiles
from tasks_app.profiling.seeker import Seeker
from tasks_app.profiling.spill import Spill, Tape

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@pytest.fixture
def spill() -> Iterator[Spill]:
    with Spill() as spill:
        yield spill


@given(arrays.arrays(np.float64, st.integers(1, 40), elements=FINITE))
def test_quartiles_found_digit_by_digit_are_those_of_sorting(values: Floats) -> None:
    def chunks() -> list[tuple[Floats, Counts | None]]:
        return [(part, None) for part in np.array_split(values, 3)]

    assert quartiles(chunks, values.size, sort_limit=0) == quartiles(chunks, values.size)


@given(st.dictionaries(FINITE, st.integers(1, 9), min_size=1, max_size=20), st.sampled_from([0, 1000]))
def test_quartiles_of_counted_numbers_are_those_of_all_of_them(counted: dict[float, int], limit: int) -> None:
    values, counts = np.array(list(counted)), np.array(list(counted.values()))
    every = np.repeat(values, counts)
    counted_quartiles = quartiles(lambda: [(values, counts)], every.size, sort_limit=limit)
    assert counted_quartiles == quartiles(lambda: [(every, None)], every.size)


@pytest.mark.parametrize("part_words", [7, 10_000])
@pytest.mark.parametrize("different", [3, 40, 400, 100_000])
def test_top_values_are_exact_however_the_hashes_are_divided(spill: Spill, different: int, part_words: int) -> None:
    draw = random.Random(different)  # noqa: S311 (made-up data)
    cells = [f"v{draw.randrange(different)}" for _ in range(1_000)]
    tape: Tape[np.uint64] = Tape(spill, np.uint64)
    for start in range(0, 1_000, 90):
        tape.write(hashes_of(cells[start : start + 90]))
    census = take_census(tape, spill, places=10, part_words=part_words)
    seeker = Seeker(census)
    for start in range(0, 1_000, 70):
        seeker.look([*cells[start : start + 70], "", " "])
    counted = Counter(cells)
    assert census.distinct == len(counted)
    assert seeker.top() == sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:10]
