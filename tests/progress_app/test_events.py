"""Snapshots and log entries: what they refuse, and their JSON."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from progress_app.events import (
    FINAL,
    Children,
    Eta,
    Fault,
    Level,
    LogEntry,
    Place,
    Snapshot,
    StageProgress,
    StageRef,
    StageState,
    State,
)
from tests.progress_app.doubles import TASK, entry, snapshot

text = st.text(st.characters(exclude_categories=["Cs"]))
seconds = st.none() | st.floats(0, 1e12)
snapshots = st.builds(
    Snapshot,
    task=text,
    job=text,
    pos=st.integers(0, 2**63 - 1),
    attempt=st.integers(0, 10_000),
    state=st.sampled_from(State),
    current=st.integers(0, 2**53) | st.floats(0, 1e15),
    total=st.none() | st.integers(0, 2**53) | st.floats(0, 1e15),
    unit=text,
    percent=st.none() | st.floats(0, 100),
    message=text,
    stage=st.none() | st.builds(StageRef, index=st.integers(0, 63), name=text),
    stages=st.lists(
        st.builds(
            StageProgress,
            name=text,
            depth=st.integers(0, 1),
            state=st.sampled_from(StageState),
            percent=st.none() | st.floats(0, 100),
            seconds=seconds,
        ),
        max_size=3,
    ).map(tuple),
    children=st.builds(Children, total=st.integers(0, 9), done=st.integers(0, 9), failed=st.integers(0, 9)),
    eta=st.none() | st.builds(Eta, low=st.floats(0, 10), high=st.floats(10, 20)),
    queue=st.none() | st.builds(Place, position=st.integers(1, 9), starts_in_s=seconds),
    error=st.none() | st.builds(Fault, code=text, text=text),
    elapsed=seconds,
    ts=st.floats(0, 1e12),
)


@given(snapshots)
def test_a_snapshot_comes_back_as_it_was(told: Snapshot) -> None:
    line = told.to_json()
    assert b"\n" not in line
    assert b"\r" not in line
    assert Snapshot.from_json(line) == told
    assert Snapshot.from_json(line).to_json() == line, "a whole number must not come back with a fraction"


@given(text, st.sampled_from(Level))
def test_a_log_entry_comes_back_as_it_was(words: str, level: Level) -> None:
    written = entry(words, level=level)
    line = written.to_json()
    assert b"\n" not in line
    assert LogEntry.from_json(line) == written


def test_the_json_begins_with_version_and_task_and_has_every_field() -> None:
    told = json.loads(snapshot(percent=42.1).to_json())
    assert list(told)[:4] == ["v", "task", "job", "pos"]
    assert (told["v"], told["task"], told["state"], told["percent"]) == (1, TASK, "running", 42.1)
    assert told["children"] == {"total": 0, "done": 0, "failed": 0}
    assert [told[name] for name in ("total", "stage", "eta", "queue", "error", "stalled_s")] == [None] * 6


def test_unknown_fields_are_ignored() -> None:
    assert Snapshot.from_json('{"task": "x", "mood": "good"}') == Snapshot(task="x")


@pytest.mark.parametrize("bad", [-0.1, 100.1, math.inf, math.nan])
def test_a_percentage_that_no_bar_can_show_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="percent="):
        snapshot(percent=bad)


@pytest.mark.parametrize(
    "bad",
    [b"", b"{", b"\xff", b'{"task":"\xff"}', b"[]", b"{}", b'{"task":1}', b'{"task":"a","percent":200}',
     b'{"task":"a","state":"dozing"}', b'{"task":"a","current":null}'],
)  # fmt: skip
def test_what_is_no_snapshot_raises_value_error(bad: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (the JSON reader's own words)
        Snapshot.from_json(bad)


@pytest.mark.parametrize("state", State)
def test_only_final_states_are_final_and_complete(state: State) -> None:
    told = snapshot(state=state)
    assert told.is_final == (state in FINAL)
    assert told.event == ("complete" if state in FINAL else "progress")


def test_at_changes_the_position_alone() -> None:
    fields: dict[str, Any] = {"percent": 3.5, "message": "m", "ts": 7.0}
    assert snapshot(**fields).at(9) == snapshot(**fields, pos=9)
