"""The judge of the fault tests sees what it is there to see."""

from pathlib import Path

import pytest

from tests.faults.journal import Journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def told(path: Path, *lines: str) -> Journal:
    path.write_text("".join(f"{line}\n" for line in lines))
    return Journal(path)


def test_one_attempt_after_the_other_is_right(path: Path) -> None:
    journal = told(path, "1 begin a 1", "2 step a 1", "3 begin a 2", "4 done a 2")
    assert journal.doubled() == set()
    assert journal.done() == {("a", 2): 4.0}


def test_an_attempt_that_goes_on_after_the_next_one_has_begun_is_a_double(path: Path) -> None:
    assert told(path, "1 begin a 1", "2 begin a 2", "3 step a 1", "4 begin b 1").doubled() == {"a"}


def test_an_attempt_that_begins_twice_is_a_double(path: Path) -> None:
    assert told(path, "1 begin a 1", "2 begin a 1").doubled() == {"a"}


def test_a_frozen_body_has_a_second_to_notice_and_no_more(path: Path) -> None:
    journal = told(path, "1 begin a 1", "2 begin a 2", "8.5 step a 1")
    assert journal.doubled(forgiven_until_s=9) == set()
    assert journal.doubled(forgiven_until_s=8) == {"a"}
