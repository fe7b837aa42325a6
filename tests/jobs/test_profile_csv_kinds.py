"""Which type a column is given."""

import pytest

from tasks_app.profiling import table
from tests.jobs.stub import csv_text, profiled

KINDS = {
    "empty": ["", " ", ""],
    "integer": ["1", "-2", "+3", " 4 ", ""],
    "number": ["1", "2.5", ".5", "1e3", "nan", "-inf"],
    "boolean": ["Yes", "no", "Y", "TRUE"],
    "date": ["2024-02-29", "1999-12-31", ""],
    "datetime": ["2024-02-29", "2024-02-29 10:00", "2024-02-29T10:00:00.5"],
    "text": ["a", "1"],
}
TEXTS = {
    "codes": ["007", "012"],
    "words for no number": ["nan", "inf"],
    "underscores": ["1_000", "2_000"],
    "other digits": ["١٢", "٣"],
    "no such day": ["2024-02-30", "2024-02-01"],
    "zones mixed": ["2024-02-01T10:00Z", "2024-02-01T10:00"],
    "digits beyond a double": ["1" * 400, "2"],
    "one misfit": ["1", "2", "N/A"],
    "signs": ["+", "-"],
    "boolean and number": ["true", "1"],
}


def column(cells: list[str]) -> dict[str, object]:
    rows = [[cell, "x"] for cell in cells]
    return profiled(csv_text(["value", "n"], rows), delimiter=",", quote='"', encoding="utf-8").column("value")


@pytest.fixture(params=["tally", "spilled"], autouse=True)
def memory(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "spilled":
        monkeypatch.setattr(table, "LEAST_TEXTS", 1)
        monkeypatch.setattr(table, "TALLY_TEXTS", 1)
        monkeypatch.setattr("tasks_app.profiling.rows.BATCH_CELLS", 2)
        monkeypatch.setattr("tasks_app.profiling.rows.LEAST_ROWS", 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_has_the_narrowest_type_that_fits_every_cell(kind: str) -> None:
    assert column(KINDS[kind])["type"] == kind


@pytest.mark.parametrize("case", TEXTS)
def test_what_only_looks_like_a_number_or_date_is_text(case: str) -> None:
    assert column(TEXTS[case])["type"] == "text"


def test_numbers_that_are_not_finite_are_counted_apart() -> None:
    found = column(["1", "3", "nan", "inf", "1e999"])
    assert found["not_finite"] == 3
    assert (found["min"], found["max"], found["mean"], found["count"]) == (1.0, 3.0, 2.0, 5)


def test_big_integers_keep_all_digits() -> None:
    found = column(["9007199254740993", "9007199254740995"])
    assert (found["min"], found["max"]) == (9007199254740993, 9007199254740995)
    assert column([str(2**70), "1"])["max"] == str(2**70)


def test_sums_beyond_a_double_have_no_mean() -> None:
    assert column(["1.5e308", "1.6e308"])["mean"] is None


def test_a_range_beyond_a_double_has_no_histogram() -> None:
    assert column(["-1.7e308", "1.7e308"])["histogram"] is None


def test_zoned_times_are_ordered_in_utc() -> None:
    found = column(["2024-02-01T10:00+05:00", "2024-02-01T06:00Z"])
    assert (found["min"], found["max"]) == ("2024-02-01T05:00:00+00:00", "2024-02-01T06:00:00+00:00")
