"""event-stream.js where no stream comes through: it asks, and notices what it has missed."""

import pytest
from playwright.sync_api import Page

from tests.browser.lone_page import (
    Answers,
    count,
    follow,
    gaps,
    moments,
    states,
    until,
    url,
)


def test_no_greeting_in_five_seconds_means_polling(alone: Page, answers: Answers) -> None:
    follow(alone, "a")
    alone.clock.run_for(4_800)
    assert answers.asked == 0
    alone.clock.run_for(300)
    until(alone, lambda: states(alone)[-1] == "polling")
    assert alone.evaluate("told.a.snapshots.length") == 1
    alone.clock.run_for(40_000)
    alone.evaluate("at(-1).open()")
    assert states(alone)[-1] == "live"
    asked = answers.asked
    alone.clock.run_for(10_000)
    assert answers.asked == asked


def test_silence_is_checked_and_kept_if_nothing_was_missed(alone: Page, answers: Answers) -> None:
    follow(alone, "a")
    alone.evaluate("at(-1).open(15), at(-1).emit('progress', { task: 'a', pos: 1, state: 'running' })")
    alone.clock.run_for(29_000)
    assert answers.asked == 0
    alone.clock.run_for(7_000)
    until(alone, lambda: answers.asked == 1)
    assert count(alone) == 1
    assert states(alone)[-1] == "live"


@pytest.mark.parametrize(("status", "pos"), [(200, 2), (502, 1)])
def test_silence_that_hid_something_reopens_the_stream(alone: Page, answers: Answers, status: int, pos: int) -> None:
    answers.status, answers.snapshot = status, {"pos": pos, "state": "running"}
    follow(alone, "a")
    alone.evaluate("at(-1).open(15), at(-1).emit('progress', { task: 'a', pos: 1, state: 'running' })")
    alone.clock.run_for(36_000)
    until(alone, lambda: states(alone)[-1] == "reconnecting")
    alone.clock.run_for(600)
    assert count(alone) == 2


def test_a_sleep_of_the_computer_is_noticed_at_once(alone: Page, answers: Answers) -> None:
    follow(alone, "a")
    alone.evaluate("at(-1).open(15)")
    answers.snapshot = {"pos": 9, "state": "succeeded"}
    alone.clock.fast_forward(3_600_000)
    until(alone, lambda: states(alone)[-1] == "ended")
    assert alone.evaluate("told.a.snapshots.at(-1).pos") == 9


def test_beyond_fifty_channels_the_rest_polls(alone: Page, answers: Answers) -> None:
    names = [f"t{number:02}" for number in range(53)]
    follow(alone, *names)
    alone.evaluate("at(-1).open()")
    assert url(alone).count("channel=") == 50
    until(alone, lambda: [states(alone, name)[-1] for name in names[50:]] == ["polling"] * 3)
    assert answers.asked == 3


def test_polling_slows_down_while_nothing_changes(alone: Page, answers: Answers) -> None:
    alone.evaluate("delete window.EventSource, window.EventSource = undefined, Math.random = () => 0")  # no scatter
    follow(alone, "a")
    pauses = gaps(moments(alone, answers, 60))
    assert pauses == sorted(pauses), pauses
    assert pauses[0] <= 3
    assert pauses[-1] >= 10


def test_polling_by_choice_opens_no_stream(alone: Page, answers: Answers) -> None:
    alone.evaluate("config = { transport: 'poll' }")
    follow(alone, "a")
    until(alone, lambda: states(alone)[-1] == "polling")
    alone.clock.run_for(400_000)
    assert count(alone) == 0
    assert answers.asked > 1
