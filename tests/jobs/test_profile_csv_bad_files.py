"""What profile_csv says to files that are not what it hopes for."""

import gzip
import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tasks_app import registry
from tasks_app.registry import BadParameters, JobError
from tests.jobs.stub import Cancelled, StubReporter, profiled


def xlsx() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
    return out.getvalue()


ROWS = "a,b\n" + "1,2\n" * 50
NOISE = bytes(range(256)) * 40

REFUSED = {
    "empty": (b"", "empty_file", "no bytes but white space"),
    "white space": (b"\n \n", "empty_file", "Choose another"),
    "mark only": (b"\xef\xbb\xbf\n", "empty_file", "Choose another"),
    "header only": (b"a,b,c\n", "no_rows", "header of 3 columns and no rows"),
    "excel": (xlsx(), "not_csv", "Excel workbook or a ZIP archive"),
    "gzip": (gzip.compress(b"a,b\n1,2\n"), "not_csv", "Unpack it"),
    "html": (b"<!DOCTYPE html><html></html>", "not_csv", "HTML"),
    "json": (b'[{"a": 1}]', "not_csv", "JSON"),
    "binary": (b"\x01" + NOISE, "binary_file", "control bytes"),
    "a NUL": (b"a,b\n1,2\n1,\x002\n" + b"1,2\n" * 50, "nul_byte", "Line 3"),
    "quote": (b'a,b\n1,2\n3,"4\n5,6\n', "unclosed_quote", "begins in line 3"),
    "quoted header": (b'a,"b\n1,2\n', "unclosed_quote", "begins in line 1"),
    "long cell": (b"a,b\n1,2\n3," + b"x" * 140_000 + b"\n", "cell_too_long", "131,072"),
    "many columns": (b"a," * 10_001 + b"b\n", "too_many_columns", "10,002 cells; at most 10,000"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_profiled_is_refused_and_leaves_nothing(case: str) -> None:
    data, code, said = REFUSED[case]
    reporter = StubReporter()
    with pytest.raises(JobError) as refusal:
        profiled(data, reporter=reporter)
    assert refusal.value.code == code
    assert said in refusal.value.sentence
    assert refusal.value.sentence.endswith(".")
    assert reporter.files == {}


def test_a_line_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks_app.profiling.rows.LINE_LIMIT", 1000)
    with pytest.raises(JobError, match="more than 1,000 characters"):
        profiled("a,b\n" + "1," * 700)


def test_a_wrong_encoding_is_named_with_its_byte_and_line() -> None:
    with pytest.raises(JobError) as refusal:
        profiled(b"name,n\nAnn,1\nJos\xe9,2\n", encoding="utf-8")
    assert refusal.value.code == "wrong_encoding"
    assert "Byte 16 (0xE9, line 3) is not valid UTF-8" in refusal.value.sentence


def test_a_character_cut_by_a_chunk_is_placed_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks_app.profiling.encoding.CHUNK_BYTES", 5)
    with pytest.raises(JobError, match=r"Byte 9 \(0xC3, line 2\)"):
        profiled(b"ab,c\n\xc3\xa9,1\xc3,\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("utf-8", "name,n\nJosé,1\n"),
        ("utf-8-sig", "name,n\nJosé,1\n"),
        ("utf-16", "name,n\nJosé,1\n"),
        ("utf-16-le", "name,n\n" + "José,1\n" * 20),
        ("cp1252", "name,n\n" + "José,1\nMüller,2\n" * 20),
        ("cp1251", "имя,n\n" + "Иван,1\nМосква,2\n" * 20),  # noqa: RUF001 (Cyrillic it is)
        ("cp932", "名前,n\n" + "太郎,1\n東京,2\n" * 20),
    ],
)
def test_encodings_are_detected(codec: str, text: str) -> None:
    run = profiled(text.encode(codec))
    name, first = (line.partition(",")[0] for line in text.splitlines()[:2])
    assert first in [value["value"] for value in run.column(name)["top"]]


def test_one_letter_after_much_ascii_decides_the_encoding() -> None:
    data = b"name,n\n" + b"Ann,1\n" * 30_000 + "Zoë,2\nRenée,3\n".encode("cp1252")
    run = profiled(data)
    assert run.result["encoding"] == "cp1252"
    assert any("is a guess" in warning for warning in run.result["warnings"])


@pytest.mark.parametrize(
    ("data", "delimiter"),
    [
        ("a;b;c\n1,5;2;x\n2,5;3;y\n" * 5, "semicolon"),
        ("a\tb\n1\t2\n3\t4\n" * 5, "tab"),
        ("a|b\n1,0|2\n3,0|4\n" * 5, "pipe"),
        ('a,b\n"x; y",2\n"z; w",3\n' * 5, "comma"),
        ("name\nAnn\nBob\n", "comma"),
    ],
)
def test_delimiters_are_detected(data: str, delimiter: str) -> None:
    assert profiled(data).result["delimiter"] == delimiter


def test_what_the_user_says_wins_over_detection() -> None:
    run = profiled("a b\n1 2\n", delimiter=" ")
    assert run.result["columns"] == 2
    run = profiled('size,n\n5",1\n6",2\n', quote="none")
    assert [value["value"] for value in run.column("size")["top"]] == ['5"', '6"']


def test_ragged_rows_are_counted_named_and_kept() -> None:
    run = profiled('a,b\n1,2\n3\n"x\ny",4\n5,6,7\n\n8,9\n', delimiter=",")
    (warning, blank) = run.result["warnings"]
    assert "1 too short" in warning
    assert "1 too long" in warning
    assert "first in line 3, 6" in warning
    assert blank.startswith("1 blank line")
    assert [level for level, _ in run.reporter.lines] == ["info", "warning", "warning"]
    assert run.result["rows"] == 5
    assert run.column("b")["empty"] == 1
    assert run.column("column_3") | {"top": []} == run.column("column_3") | {"count": 1, "empty": 4, "top": []}


def test_names_are_made_unique_and_told() -> None:
    run = profiled("price,,price,price_2\n1,2,3,4\n")
    assert [column["name"] for column in run.document["columns"]] == ["price", "column_2", "price_3", "price_2"]
    assert len(run.result["warnings"]) == 2


def test_a_file_without_header() -> None:
    run = profiled("1,2\n3,4\n", header="no")
    assert run.result["rows"] == 2
    assert run.column("column_1")["max"] == 3


def test_html_in_a_file_is_text_in_the_report() -> None:
    run = profiled("<b>x</b>,n\n<script>alert(1)</script>,1\n", name="<i>.csv", delimiter=",")
    assert "<script>" not in run.page
    assert "<b>" not in run.page
    assert "<i>" not in run.page
    assert "&lt;script&gt;" in run.page
    assert all("<" not in name for name in run.reporter.files)


def test_a_long_value_is_cut_in_the_report() -> None:
    value = profiled("a,b\n" + "x" * 1000 + ",1\n").column("a")["top"][0]
    assert value == {"value": "x" * 200, "count": 1, "cut_from": 1000}


def test_thousands_of_columns_are_profiled() -> None:
    names = ",".join(f"c{number}" for number in range(1500))
    run = profiled(names + "\n" + ",".join(["7"] * 1500) + "\n")
    assert run.result["columns"] == 1500
    assert len(run.document["columns"]) == 1500
    assert "1000 more columns" in run.page


def test_a_cancelled_run_leaves_nothing() -> None:
    reporter = StubReporter(cancel_after=3)
    with pytest.raises(Cancelled):
        profiled(ROWS, reporter=reporter)
    assert reporter.files == {}


def test_a_file_over_the_limit_is_a_form_error_with_both_sizes(settings: object) -> None:
    settings.TASKS_UPLOAD_LIMIT_BYTES = 1024  # type: ignore[attr-defined]
    upload = SimpleUploadedFile("big.csv", b"x" * 2048)
    with pytest.raises(BadParameters) as refusal:
        registry.get("profile_csv").bind({}, {"upload": upload})
    (said,) = refusal.value.errors["upload"]
    assert "2.0\xa0KB" in said
    assert "1.0\xa0KB" in said


@pytest.mark.parametrize("field", ["delimiter", "encoding", "quote", "header"])
def test_a_value_that_is_no_choice_is_a_form_error(field: str) -> None:
    with pytest.raises(BadParameters) as refusal:
        registry.get("profile_csv").bind({field: "nonsense"}, {"upload": SimpleUploadedFile("a.csv", b"a\n1\n")})
    assert field in refusal.value.errors
