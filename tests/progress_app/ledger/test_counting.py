"""What a job counts and says, as the snapshot has it."""

import threading
from collections import deque
from decimal import Decimal
from typing import Any

import pytest

from progress_app.events import State
from progress_app.ledger import LONGEST_MESSAGE, LONGEST_NAME
from tests.progress_app.ledger.ledgers import go, ledger_of, shown


@pytest.mark.parametrize("sized", [[7] * 4, range(4), {1: 2, 3: 4, 5: 6, 7: 8}, "four", deque([1] * 4)])
def test_a_loop_over_what_has_a_length_tells_it(sized: Any) -> None:
    ledger = ledger_of()
    loop = ledger.track(sized, None, "rows")
    assert shown(ledger).total == 4
    go(loop)
    assert (shown(ledger).current, shown(ledger).unit) == (4, "rows")


def test_a_loop_over_what_has_none_is_of_unknown_length() -> None:
    ledger = ledger_of()
    go(ledger.track(iter(range(5)), None, ""))
    told = shown(ledger)
    assert (told.current, told.total, told.percent) == (5, None, None)


def test_a_total_that_was_said_wins_over_the_length() -> None:
    ledger = ledger_of()
    go(ledger.track(range(5), 50, ""))
    assert (shown(ledger).total, shown(ledger).percent) == (50, 10.0)


def test_the_total_of_the_stage_wins_over_the_length() -> None:
    ledger = ledger_of()
    with ledger.stage("Load", 50, None, "rows"):
        go(ledger.track(range(5), None, ""))
        told = shown(ledger)
    assert (told.current, told.total, told.unit) == (5, 50, "rows")


def test_an_update_sets_the_count_and_counting_goes_on_from_there() -> None:
    ledger = ledger_of()
    ledger.count(3)
    ledger.update(40, 100, None)
    ledger.count(2)
    assert (shown(ledger).current, shown(ledger).percent) == (42, 42.0)
    ledger.update(10, None, None)
    assert (shown(ledger).current, shown(ledger).percent) == (10, 42.0), "a percentage does not go back"


def test_what_an_update_leaves_out_stays_as_it_is() -> None:
    ledger = ledger_of()
    ledger.update(4, 8, "half")
    ledger.update(None, None, None)
    told = shown(ledger)
    assert (told.current, told.total, told.message) == (4, 8, "half")
    ledger.update(0, 0, "")
    told = shown(ledger)
    assert (told.current, told.total, told.message) == (0, 0, "")


@pytest.mark.parametrize("odd", [-1, float("nan"), float("inf"), -float("inf"), "three", object(), 10**400])
def test_a_number_that_cannot_be_is_0(odd: Any) -> None:
    ledger = ledger_of()
    ledger.count(5)
    ledger.update(odd, odd, None)
    assert (shown(ledger).current, shown(ledger).total) == (0, 0)
    ledger.count(-5)
    assert shown(ledger).current == 0


@pytest.mark.parametrize(
    ("given_total", "told"), [(10.0, "10"), (2.5, "2.5"), (Decimal("2.5"), "2.5"), (2**60, str(2**60))]
)
def test_numbers_are_told_as_people_write_them(given_total: Any, told: str) -> None:
    ledger = ledger_of()
    ledger.update(None, given_total, None)
    assert f'"total":{told},' in ledger.snapshot(State.RUNNING, None).to_json().decode()


def test_texts_are_cut_and_can_be_told() -> None:
    ledger = ledger_of()
    ledger.update(None, None, "m" * 10_000 + "\ud800")
    with ledger.stage("s\ud800" * 1_000, None, None, "u" * 1_000):
        ledger.update(None, None, "m\ud800" * 1_000)
        told = shown(ledger)
    assert len(told.message) == LONGEST_MESSAGE
    assert told.stage is not None
    assert len(told.stage.name) == len(told.unit) == LONGEST_NAME


def test_only_news_changes_the_mark() -> None:
    ledger = ledger_of("Load")
    marks = [ledger.mark]
    shown(ledger)
    assert ledger.mark in marks
    ledger.count(1)
    assert ledger.mark not in marks
    marks.append(ledger.mark)
    ledger.update(None, None, "word")
    assert ledger.mark not in marks
    marks.append(ledger.mark)
    ledger.update(None, 9, None)
    assert ledger.mark not in marks


def test_threads_count_together_while_another_looks() -> None:
    ledger = ledger_of()
    ledger.update(None, 8_000, None)
    threads = [threading.Thread(target=lambda: go(map(ledger.count, [1] * 1_000))) for _ in range(4)]
    threads += [threading.Thread(target=lambda: go(ledger.track(range(1_000), None, ""))) for _ in range(4)]
    for thread in threads:
        thread.start()
    seen = []
    while any(thread.is_alive() for thread in threads):
        seen.append(shown(ledger).current)
    for thread in threads:
        thread.join()
    assert seen == sorted(seen)
    assert (shown(ledger).current, shown(ledger).total) == (8_000, 8_000)
