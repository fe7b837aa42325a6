import pytest
from django.utils import translation

from progress_app.durations import duration_text, range_text


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (0.44, "0.4 s"), (2, "2.0 s"), (59.9, "59 s"), (65, "1 min 05 s"), (7620, "2 h 07 min")],
)
def test_seconds_in_words(seconds: float, said: str) -> None:
    assert duration_text(seconds) == said


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(17.2, 23.9, "18–24 s"), (19.5, 19.9, "about 20 s"), (170, 230, "3–4 min"), (200, 230, "about 4 min")],
)
def test_a_range_has_one_unit(low: float, high: float, said: str) -> None:
    assert range_text(low, high) == said


def test_figures_are_the_reader_s() -> None:
    with translation.override("de"):
        assert duration_text(0.44) == "0,4 s"
