"""Events as bytes, and what a client may bring back."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from progress_app.sse import (
    MAX_LAST_ID_LENGTH,
    MAX_POSITION,
    encode_positions,
    frame,
    one_line,
    parse_positions,
    retry,
)

clean = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
positions = st.dictionaries(clean, st.integers(0, MAX_POSITION), max_size=8)


def fields(chunk: bytes) -> list[tuple[bytes, bytes]]:
    """The fields of one event, read as the standard says: CR, LF and CRLF all end a line."""
    assert chunk.endswith(b"\n\n")
    lines = chunk[:-2].replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    return [(name, value.removeprefix(b" ")) for name, _, value in (line.partition(b":") for line in lines)]


@given(st.text(), st.text(), positions)
def test_nothing_leaks_a_line_break_into_event_or_id(event: str, data: str, seen: dict[str, int]) -> None:
    raw = data.encode("utf-8", "replace")
    told = fields(frame(event, raw).with_id(seen))
    assert [name for name, _ in told[:2]] == [b"event", b"id"]
    assert {name for name, _ in told[2:]} == {b"data"}
    assert told[0][1] == one_line(event).encode("utf-8", "replace")
    assert b"\0" not in told[1][1]
    received = b"\n".join(value for _, value in told[2:])
    assert received == raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


@given(st.text(), st.binary())
def test_an_event_without_an_id_has_no_other_field(event: str, data: bytes) -> None:
    assert {name for name, _ in fields(frame(event, data).plain)} == {b"event", b"data"}


@given(positions)
def test_positions_come_back_as_they_were(seen: dict[str, int]) -> None:
    assert parse_positions(encode_positions(seen).decode("ascii")) == seen


def test_positions_have_django_eventstreams_form() -> None:
    assert encode_positions({"a,b:c/d": 5, "x.log": 7}) == b"a%2Cb%3Ac%2Fd:5,x.log:7"


@given(st.text())
def test_garbage_never_raises(garbage: str) -> None:
    assert all(0 <= position <= MAX_POSITION for position in parse_positions(garbage).values())


@pytest.mark.parametrize(
    "garbage",
    ["", ",", ":", "a", "a:", ":5", "a:-5", "a:5.0", "a:5x", "a: 5", "a:\N{ARABIC-INDIC DIGIT FIVE}", "a:²",
     f"a:{MAX_POSITION + 1}", "a:" + "9" * 5_000, "a:1," * MAX_LAST_ID_LENGTH],
)  # fmt: skip
def test_what_is_no_position_is_left_out(garbage: str) -> None:
    assert parse_positions(garbage) == {}


def test_a_part_that_cannot_be_read_costs_only_itself() -> None:
    assert parse_positions(f"a:1,b:x,{quote('c d')}:3,e:{MAX_POSITION}") == {"a": 1, "c d": 3, "e": MAX_POSITION}


@given(st.integers(0, 40), st.integers(0, MAX_POSITION))
def test_a_position_is_read_whole_or_not_at_all(zeros: int, position: int) -> None:
    assert parse_positions(f"a:{'0' * zeros}{position}") in ({}, {"a": position})


def test_retry_is_in_milliseconds() -> None:
    assert retry(2874) == b"retry: 2874\n\n"
