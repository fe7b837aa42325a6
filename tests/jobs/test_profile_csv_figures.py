"""The figures of profile_csv beside independent ones, from three cells to tens of thousands."""

import csv
import random
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks_app.profiling import table
from tests.jobs.independent import SqliteFigures, by_counter, differences
from tests.jobs.million import NUMERIC, TEXTS, write_file
from tests.jobs.stub import Profiled, StubReporter, csv_text, profiled

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
WORDS = st.lists(TEXT.map(lambda text: f"w{text}"), min_size=1, max_size=60)
INTEGERS = st.lists(st.integers(-(10**25), 10**25) | st.integers(-9, 9), min_size=1, max_size=60)
FLOATS = st.lists(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e150, max_value=1e150), min_size=1, max_size=60
)


def profile_column(cells: list[str]) -> Profiled:
    """Profile one column beside one of numbers, so that an empty cell is no blank line."""
    rows = [[cell, str(number)] for number, cell in enumerate(cells)]
    return profiled(csv_text(["value", "n"], rows), delimiter=",", quote='"', encoding="utf-8")


@pytest.fixture(params=["tally", "spilled"])
def memory(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each property holds while a column is in memory, and when it has gone to the spill."""
    if request.param == "spilled":
        monkeypatch.setattr(table, "LEAST_TEXTS", 1)
        monkeypatch.setattr(table, "TALLY_TEXTS", 1)
        monkeypatch.setattr("tasks_app.profiling.rows.BATCH_CELLS", 14)
        monkeypatch.setattr("tasks_app.profiling.rows.LEAST_ROWS", 1)


@pytest.mark.usefixtures("memory")
class TestAgainstTheStandardLibrary:
    @settings(max_examples=60, deadline=None)
    @given(WORDS, st.lists(st.sampled_from(["", " ", "  "]), max_size=5))
    def test_text(self, words: list[str], blanks: list[str]) -> None:
        cells = [*words, *blanks, *words[:3]]
        run = profile_column(cells)
        assert run.column("value")["type"] == "text"
        assert not differences(run.column("value"), by_counter(cells, None))

    @settings(max_examples=60, deadline=None)
    @given(FLOATS)
    def test_numbers(self, values: list[float]) -> None:
        cells = [repr(value) for value in values] + ["0.5"]
        run = profile_column(cells)
        assert run.column("value")["type"] == "number"
        assert not differences(run.column("value"), by_counter(cells, float))

    @settings(max_examples=60, deadline=None)
    @given(INTEGERS)
    def test_integers_of_any_size(self, values: list[int]) -> None:
        cells = [str(value) for value in values]
        column = profile_column(cells).column("value")
        expected = by_counter(cells, int)
        expected["quartiles"] = by_counter(cells, float)["quartiles"]  # beyond 2^53: the nearest doubles
        assert column["type"] == "integer"
        column |= {"min": int(column["min"]), "max": int(column["max"])}  # over 64 bits the JSON has them as text
        assert not differences(column, expected)


def test_every_figure_of_a_generated_file_is_that_of_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    write_file(path, rows=30_000)
    run = profiled(path.read_bytes())
    theirs = SqliteFigures(path)
    for name in theirs.names:
        expected = theirs.column(name, NUMERIC.get(name), is_text=name in TEXTS)
        assert differences(run.column(name), expected) == [], name
    theirs.close()


def test_the_histogram_counts_every_number_once() -> None:
    draw = random.Random(1)  # noqa: S311 (made-up data)
    cells = [repr(draw.gauss(0, 5)) for _ in range(5_000)]
    histogram = profile_column(cells).column("value")["histogram"]
    width = (histogram["high"] - histogram["low"]) / len(histogram["counts"])
    first = sum(float(cell) < histogram["low"] + width for cell in cells)
    assert sum(histogram["counts"]) == 5_000
    assert histogram["counts"][0] == first


def test_a_small_range_of_integers_has_one_bar_each() -> None:
    histogram = profile_column(["1", "2", "2", "4"]).column("value")["histogram"]
    assert histogram == {"low": 0.5, "high": 4.5, "counts": [1, 2, 0, 1]}


def test_progress_is_true_and_in_many_steps(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    write_file(path, rows=20_000)
    reporter = StubReporter()
    profiled(path.read_bytes(), reporter=reporter)
    assert reporter.stages == list(reporter.planned) == ["Read", "Profile", "Report"]
    assert reporter.totals["Read"] == path.stat().st_size
    read = reporter.counts[: reporter.counts.index(0, 1)]
    assert len(read) > 5
    assert read == sorted(read)
    assert read[-1] == path.stat().st_size
    with path.open(newline="") as file:
        assert reporter.totals["Profile"] == 20_000 * len(next(csv.reader(file)))
    assert reporter.totals["Profile"] in reporter.counts


def html_of(cells: list[str]) -> str:
    return " ".join(profile_column(cells).page.split())


def test_values_that_occur_once_take_no_rows_of_their_own() -> None:
    same = html_of([str(number) for number in range(12)])
    assert "Every value occurs once." in same
    assert "for example" not in same, "those of a text are its first by their letters, which of numbers says nothing"
    assert "Every value occurs once, for example" in html_of(["b", "a"])
    assert "8.3 %" not in same
    some = html_of(["a", "a", *map(str, range(5))])
    assert "Each other value occurs once." in some
    assert some.count("28.6 %") == 1
    assert "14.3 %" not in some
    assert "Each other value" not in html_of(["a", "a", "b", "b"]).split('id="c2"')[0]


@pytest.mark.usefixtures("memory")
class TestHistogramsByTime:
    def test_a_bar_holds_whole_days(self) -> None:
        cells = ["2024-02-28", "2024-02-29", "2024-02-29", "2024-03-02"]
        run = profile_column(cells)
        assert run.column("value")["histogram"] == {
            "low": "2024-02-28",
            "high": "2024-03-02",
            "days": 1,
            "counts": [1, 2, 0, 1],
        }
        assert "<title>2024-02-29: 2</title>" in run.page
        assert "<span>2024-02-28</span><span>2024-03-02</span>" in run.page

    def test_many_days_share_bars_of_as_many(self) -> None:
        first = date(2020, 1, 1)
        cells = [(first + timedelta(days=number)).isoformat() for number in range(100)]
        run = profile_column(cells)
        histogram = run.column("value")["histogram"]
        assert histogram["counts"] == [5] * 20
        assert (histogram["low"], histogram["high"]) == ("2020-01-01", "2020-04-09")
        assert "<title>2020-01-01 to 2020-01-05: 5</title>" in run.page
        assert "shorter" not in run.page

    def test_the_last_bar_ends_with_the_last_day_and_is_told_where_it_is_shorter(self) -> None:
        first = date(2026, 1, 1)
        run = profile_column([(first + timedelta(days=number)).isoformat() for number in range(362)])
        histogram = run.column("value")["histogram"]
        assert (histogram["low"], histogram["high"], histogram["days"]) == ("2026-01-01", "2026-12-28", 28)
        assert histogram["counts"] == [28] * 12 + [26]
        assert "<title>2026-12-03 to 2026-12-28: 26 (a shorter bar)</title>" in run.page
        assert run.page.count("a shorter bar") == 1
        assert "<span>2026-01-01</span><span>2026-12-28</span>" in run.page

    def test_times_of_day_and_zones_are_kept(self) -> None:
        run = profile_column(["2024-01-01T00:00:00+01:00", "2024-01-01T12:00:00+01:00", "2024-01-02T00:00:00+01:00"])
        histogram = run.column("value")["histogram"]
        assert (histogram["low"], histogram["high"]) == ("2023-12-31T23:00:00+00:00", "2024-01-01T23:00:00+00:00")
        assert (histogram["counts"][0], histogram["counts"][12], histogram["counts"][-1]) == (1, 1, 1)

    @pytest.mark.parametrize("days", ["9999-12-31 0001-01-01", "9999-12-31", "0001-01-01T00:00", "2024-05-05"])
    def test_the_ends_of_the_calendar_have_their_bars(self, days: str) -> None:
        cells = days.split()
        assert sum(profile_column(cells).column("value")["histogram"]["counts"]) == len(cells)

    def test_a_column_that_ends_as_text_has_none(self) -> None:
        assert profile_column(["2024-01-01", "2024-01-02", "soon"]).column("value")["histogram"] is None
