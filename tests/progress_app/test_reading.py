"""What a recorder gives back: celery-progress's dictionary, made only for who looks."""

import math
import pickle
from typing import Any

import pytest
from celery_progress.backend import ProgressRecorder
from hypothesis import given
from hypothesis import strategies as st
from kombu.utils.json import dumps, loads

from progress_app.reading import Reading

MOST = 10**9
NUMBERS = st.integers(0, MOST) | st.floats(0, MOST)
TOTALS = st.integers(-1, MOST) | st.floats(1, MOST)


class Deaf:
    """A Celery task that keeps nothing."""

    def update_state(self, **_: Any) -> None:
        """Keep nothing."""


@given(NUMBERS, TOTALS, st.text())
def test_it_equals_what_celery_progress_gives_back(current: float, total: float, description: str) -> None:
    _, given_back = ProgressRecorder(Deaf()).set_progress(current, total, description)
    reading = Reading(current, total, description)
    assert (reading == given_back, given_back == reading, dict(reading)) == (True, True, given_back)


@pytest.mark.parametrize(("current", "total", "percent"), [(1, 800, 0.12), (3, 800, 0.38), (203, 20_000, 1.02)])
def test_a_tie_is_rounded_to_even(current: int, total: int, percent: float) -> None:
    assert Reading(current, total)["percent"] == percent


@pytest.mark.parametrize(("current", "total"), [("x", 1), (1, None), (1, "x"), (math.inf, 1), (1, -1), (1, math.nan)])
def test_where_there_is_no_percentage_it_is_0(current: Any, total: Any) -> None:
    assert Reading(current, total).percent == 0


def test_it_travels_as_a_dictionary() -> None:
    reading = Reading(1, 3, "one")
    assert pickle.loads(pickle.dumps(reading)) == dict(reading)  # noqa: S301  (our own)
    assert loads(dumps({"result": reading})) == {"result": dict(reading)}


def test_it_reads_like_a_dictionary() -> None:
    reading = Reading(1, 3, "one")
    assert (reading.get("current"), reading.get("else", "none"), "else" in reading) == (1, "none", False)
    with pytest.raises(KeyError):
        reading["else"]
