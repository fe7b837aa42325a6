"""What a job wrote: bounded, and what was left out is counted."""

import json
import re
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from progress_app.events import Level, LogEntry
from progress_app.logbook import (
    BURST,
    LONGEST_TEXT,
    MOST_A_SECOND,
    MOST_KEPT,
    MOST_WAITING,
    Logbook,
    printable,
)
from tests.progress_app.doubles import TASK, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(clock: Clock) -> Logbook:
    return Logbook(TASK, clock)


def left_out(entries: list[LogEntry]) -> int:
    """The sum of what the entries say was left out."""
    found = [re.match(r"(\d+) log entries were left out", told.text) for told in entries]
    return sum(int(match[1]) for match in found if match)


def texts(entries: list[LogEntry]) -> list[str]:
    return [told.text for told in entries]


def test_entries_are_taken_once_and_in_order(book: Logbook, clock: Clock) -> None:
    assert not book.has_news
    book.write("a", Level.INFO)
    book.write("b", Level.ERROR)
    assert book.has_news
    assert book.take() == [
        LogEntry(task=TASK, level=Level.INFO, text="a", ts=clock.now),
        LogEntry(task=TASK, level=Level.ERROR, text="b", ts=clock.now),
    ]
    assert book.take() == []
    assert not book.has_news
    assert texts(book.kept()) == ["a", "b"]


def test_a_flood_is_counted_not_kept(book: Logbook) -> None:
    for number in range(BURST + 70):
        book.write(str(number), Level.INFO)
    taken = book.take()
    assert texts(taken[:-1]) == [str(number) for number in range(BURST)]
    assert left_out(taken) == 70
    assert taken[-1].level is Level.WARNING
    assert book.take() == [], "the count is told once"


def test_the_allowance_comes_back_with_time_up_to_the_burst(book: Logbook, clock: Clock) -> None:
    for _ in range(BURST):
        book.write("x", Level.INFO)
    clock.now += 1.0
    for _ in range(MOST_A_SECOND + 5):
        book.write("y", Level.INFO)
    assert texts(book.take()).count("y") == MOST_A_SECOND
    clock.now += 1_000.0
    for _ in range(BURST + 5):
        book.write("z", Level.INFO)
    assert texts(book.take()).count("z") == BURST


def test_a_clock_that_goes_back_gives_no_allowance(book: Logbook, clock: Clock) -> None:
    for _ in range(BURST):
        book.write("x", Level.INFO)
    clock.now -= 100.0
    book.write("late", Level.INFO)
    assert left_out(book.take()) == 1


def test_what_was_given_back_goes_first_next_time(book: Logbook) -> None:
    book.write("a", Level.INFO)
    taken = book.take()
    book.write("b", Level.INFO)
    book.give_back(taken)
    assert book.has_news
    assert texts(book.take()) == ["a", "b"]
    assert texts(book.kept()) == ["a", "b"], "kept once"


def test_what_waits_is_bounded_and_the_oldest_are_counted(book: Logbook, clock: Clock) -> None:
    written = MOST_WAITING + 300
    for number in range(written):
        clock.now += 1.0
        book.write(str(number), Level.INFO)
        book.give_back(book.take())  # Redis stays away
    taken = book.take()
    assert len(taken) <= MOST_WAITING + 1
    lines = [told for told in texts(taken) if told.isdigit()]
    assert lines == [str(number) for number in range(written - len(lines), written)], "the newest stay"
    if left_out(taken) == 0:
        taken += book.take()
    assert left_out(taken) == written - len(lines)


def test_while_redis_is_away_no_count_fills_the_log(book: Logbook) -> None:
    for _ in range(BURST + 10):
        book.write("x", Level.INFO)
    for _ in range(50):
        book.give_back(book.take())
        book.write("one too many", Level.INFO)
    assert left_out(book.take()) == 60
    assert len(book.kept()) <= BURST + 1


def test_what_the_backend_refused_is_counted_in_full(book: Logbook) -> None:
    """Redis is full: it takes snapshots and no log, for a long time."""
    for _ in range(20):
        book.write("x", Level.INFO)
    book.lost(len(book.take()))
    for _ in range(1_500):
        book.lost(len(book.take()))
    assert left_out(book.take()) == 20
    assert texts(book.kept())[:20] == ["x"] * 20, "the task's own record is not full of counts"


def test_a_hundred_thousand_lines_in_a_second_are_counted_to_the_last_one(book: Logbook, clock: Clock) -> None:
    sent: list[LogEntry] = []
    for number in range(100_000):
        clock.now += 0.00001
        book.write(str(number), Level.INFO)
        if number % 10_000 == 0:
            sent += book.take()
    sent += book.take()
    lines = [entry for entry in sent if not left_out([entry])]
    assert len(lines) + left_out(sent) == 100_000
    assert BURST + MOST_A_SECOND - 1 <= len(lines) <= BURST + MOST_A_SECOND
    assert left_out(book.kept()) == left_out(sent)


def test_the_record_is_bounded_and_holds_the_newest_and_a_count_of_the_rest(book: Logbook, clock: Clock) -> None:
    def written(*numbers: int) -> None:
        for number in numbers:
            clock.now += 1.0
            book.write(str(number), Level.INFO)
            book.take()

    written(*range(MOST_KEPT))
    assert texts(book.kept()) == [str(number) for number in range(MOST_KEPT)]
    written(*range(MOST_KEPT, MOST_KEPT + 10))
    newest = [str(number) for number in range(11, MOST_KEPT + 10)]
    assert texts(book.kept()) == ["11 earlier log entries are not kept.", *newest]


def test_a_record_with_both_counts_is_bounded_too(book: Logbook, clock: Clock) -> None:
    for number in range(MOST_KEPT):
        clock.now += 1.0
        book.write(str(number), Level.INFO)
    for _ in range(BURST + 3):
        book.write("x", Level.INFO)
    kept = book.kept()
    assert len(kept) == MOST_KEPT
    assert texts(kept)[0] == f"{BURST + 1} earlier log entries are not kept."
    assert left_out(kept[-1:]) == 4


def test_the_record_says_that_a_flood_was_cut(book: Logbook) -> None:
    for _ in range(BURST + 7):
        book.write("x", Level.INFO)
    book.take()
    assert left_out(book.kept()) == 7


def test_threads_lose_nothing(book: Logbook) -> None:
    start = threading.Barrier(4)
    taken: list[LogEntry] = []

    def write() -> None:
        start.wait()
        for _ in range(100):
            book.write("x", Level.INFO)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        taken += book.take()
    for thread in threads:
        thread.join()
    taken += book.take()
    assert texts(taken).count("x") + left_out(taken) == 400


@given(st.text(st.characters(), max_size=60), st.integers(1, 50))
def test_printable_text_can_be_json_and_is_not_too_long(text: str, most: int) -> None:
    shown = printable(text, most)
    assert len(shown) <= most
    assert json.loads(LogEntry(task=TASK, text=shown, ts=0.0).to_json())["text"] == shown
    if len(text) <= most and text.isascii():
        assert shown == text.replace("\0", "")


def test_a_long_text_is_cut_with_an_ellipsis(book: Logbook) -> None:
    book.write("x" * 1_000_000, Level.INFO)
    (told,) = book.take()
    assert told.text == "x" * (LONGEST_TEXT - 1) + "…"


def test_what_is_no_text_is_shown_as_text(book: Logbook) -> None:
    assert printable(ValueError("no such column"), 100) == "no such column"
    assert printable("a\ud800b", 100) == "a?b"
