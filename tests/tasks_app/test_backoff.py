"""Pauses between attempts: doubled, bounded, scattered."""

from hypothesis import given
from hypothesis import strategies as st

from tasks_app.backoff import pause_s


def test_each_failure_doubles_the_pause_up_to_its_most() -> None:
    pauses = [pause_s(n, first_s=1, most_s=10, chance=lambda: 1.0) for n in range(1, 7)]
    assert pauses == [1, 2, 4, 8, 10, 10]


@given(st.integers(1, 10_000), st.floats(0.1, 100), st.floats(0, 1))
def test_a_pause_lies_in_the_upper_half_of_its_range(failures: int, first_s: float, chance: float) -> None:
    assert first_s / 2 <= pause_s(failures, first_s=first_s, most_s=600, chance=lambda: chance) <= 600
