"""Counts, totals and messages, also those that cannot be meant."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from progress_app.events import Fault, State
from progress_app.reporter import Reporter
from tests.progress_app.reporter.recording import shown


def test_counts_come_from_loops_advance_and_update(progress: Reporter) -> None:
    for _ in progress.track([1, 2, 3], unit="files"):
        progress.advance(2)
    told = shown(progress)
    assert (told.current, told.total, told.unit) == (9, 3, "files")
    progress.update(current=1, total=8, message="one of eight")
    told = shown(progress)
    assert (told.current, told.total, told.message) == (1, 8, "one of eight")
    progress.advance()
    assert shown(progress).current == 2


def test_an_unknown_total_has_no_percentage(progress: Reporter) -> None:
    for _ in progress.track(iter(range(5))):
        told = shown(progress)
        assert (told.total, told.percent) == (None, None)
    assert shown(progress).current == 5
    assert progress.settle(State.SUCCEEDED).percent == 100.0


def test_whole_numbers_are_told_without_a_fraction(progress: Reporter) -> None:
    progress.update(current=2.0, total=4.5)
    told = json.loads(progress.teller._snapshot().to_json())
    assert repr((told["current"], told["total"])) == "(2, 4.5)"


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -float("inf"), -5, "three", 10**400])
def test_a_count_that_cannot_be_is_nothing(progress: Reporter, odd: Any) -> None:
    progress.advance(odd)
    assert shown(progress).current == 0
    progress.update(current=odd)
    assert shown(progress).current == 0
    progress.update(current=4, total=10)
    progress.update(total=odd)
    assert shown(progress).total == 0
    list(progress.track([1], total=odd))
    with progress.stage("s", total=odd):
        assert shown(progress).total == 0


def test_a_count_above_its_total_is_a_full_stage_and_not_success(progress: Reporter) -> None:
    progress.update(current=50, total=10)
    assert shown(progress).percent == 99.9
    progress.update(current=1, total=0)
    assert shown(progress).percent == 99.9


@pytest.mark.parametrize("number", [np.int64(3), np.float64(3.5), np.float32(1.5), Decimal("2.5"), True])
def test_any_kind_of_number_can_be_told(progress: Reporter, number: Any) -> None:
    progress.advance(number)
    assert shown(progress).current == float(number)
    progress.update(current=number, total=number)
    told = shown(progress)
    assert (told.current, told.total) == (float(number), float(number))


def test_a_message_is_cut_and_can_be_told(progress: Reporter) -> None:
    progress.update(message="x" * 1_000_000)
    assert shown(progress).message == "x" * 499 + "…"
    progress.update(message="a\ud800b\nc")
    assert shown(progress).message == "a?b\nc"


def test_no_text_of_a_job_stops_the_sending(progress: Reporter) -> None:
    with progress.stage("st\ud800age" + "x" * 1_000_000, unit="\ud800"):
        told = shown(progress)
    assert len(told.to_json()) < 2_000
    list(progress.track([1], unit="u\ud800" + "x" * 1_000_000))
    assert len(shown(progress).to_json()) < 3_000
    last = progress.settle(State.FAILED, Fault(code="c", text="\ud800" + "x" * 1_000_000))
    assert len(last.to_json()) < 4_000


def test_what_has_a_length_of_its_own_tells_it(progress: Reporter) -> None:
    class Sized:
        def __len__(self) -> int:
            return 4

        def __iter__(self) -> Iterator[int]:
            return iter(range(4))

    list(progress.track(Sized()))
    assert (shown(progress).current, shown(progress).total) == (4, 4)


def test_the_rate_is_that_of_the_open_stage(progress: Reporter) -> None:
    progress.advance(1_000_000)
    shown(progress)
    with progress.stage("small"):
        progress.advance(1)
        shown(progress)
    told = shown(progress)
    assert told.rate is None, "the end of a stage is no jump of the count around it"
