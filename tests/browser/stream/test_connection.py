"""event-stream.js and its connection: one for all viewers, opened anew, refused, given up."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from tests.browser.lone_page import (
    ORIGIN,
    Answers,
    count,
    follow,
    states,
    until,
    url,
)


def test_all_viewers_share_one_connection_with_sorted_channels(alone: Page) -> None:
    follow(alone, "b", "a", log=True)
    assert count(alone) == 1
    channels = re.findall(r"channel=([^&]+)", url(alone))
    assert channels == ["task-a", "task-a.log", "task-b", "task-b.log"]


def test_a_newcomer_reopens_it_and_a_twin_does_not(alone: Page) -> None:
    follow(alone, "a")
    alone.evaluate("at(-1).open()")
    follow(alone, "a")
    assert count(alone) == 1
    follow(alone, "b", "c")
    assert count(alone) == 2
    assert not alone.evaluate("at(0).isClosed")  # it serves until the next one does
    alone.evaluate("at(1).open()")
    assert alone.evaluate("at(0).isClosed")


def test_who_leaves_last_closes_it(alone: Page) -> None:
    follow(alone, "a", "b")
    alone.evaluate("at(-1).open()")
    alone.evaluate("told.a.leave(), told.b.leave()")
    assert alone.evaluate("at(-1).isClosed")
    alone.clock.run_for(120_000)
    assert count(alone) == 1


def test_it_comes_back_ever_later_and_soon_again_after_health(alone: Page, answers: Answers) -> None:
    answers.status = 502
    follow(alone, "a")
    waits = []
    for _ in range(8):
        alone.evaluate("at(-1).open(), at(-1).fail()")
        waits.append(_wait_s(alone))
    assert waits == pytest.approx([0.5, 1, 2, 4, 8, 16, 20, 20], abs=0.11)
    alone.evaluate("at(-1).open()")
    alone.clock.run_for(29_000)
    alone.evaluate("at(-1).emit('progress', { task: 'a', pos: 1, state: 'running' })")
    alone.clock.run_for(2_000)
    alone.evaluate("at(-1).fail()")
    assert _wait_s(alone) == pytest.approx(0.5, abs=0.11)


def _wait_s(page: Page) -> float:
    """Move the clock until the next connection is made; return how long that took."""
    before, waited_ms = count(page), 0
    while count(page) == before:
        page.clock.run_for(100)
        waited_ms += 100
        assert waited_ms < 30_000
    return waited_ms / 1000


def test_after_a_refusal_the_snapshot_tells_why(alone: Page, answers: Answers) -> None:
    answers.snapshot = {"pos": 3, "state": "succeeded"}
    follow(alone, "a")
    alone.evaluate("at(-1).fail(true)")
    until(alone, lambda: states(alone)[-1] == "ended")
    alone.clock.run_for(400_000)
    assert count(alone) == 1


@pytest.mark.parametrize("status", [401, 403, 404])
def test_who_may_not_read_is_told_and_asks_no_more(alone: Page, answers: Answers, status: int) -> None:
    answers.status = status
    follow(alone, "a")
    alone.evaluate("at(-1).fail(true)")
    until(alone, lambda: states(alone)[-1] == "denied")
    alone.clock.run_for(400_000)
    assert (answers.asked, count(alone)) == (1, 1)


def test_all_ended_means_no_connection_any_more(alone: Page) -> None:
    follow(alone, "a", "b")
    alone.evaluate("""
        at(-1).open();
        for (const task of ["a", "b"]) at(-1).emit("complete", { task, pos: 9, state: "failed" }, `task-${task}:9`);
    """)
    assert states(alone, "a")[-1] == states(alone, "b")[-1] == "ended"
    alone.clock.run_for(400_000)
    assert alone.evaluate("at(-1).isClosed")
    assert count(alone) == 1


def test_a_refusal_of_one_newcomer_leaves_the_others_served(alone: Page, answers: Answers) -> None:
    follow(alone, "a")
    alone.evaluate("at(-1).open()")
    answers.status = 404
    follow(alone, "secret")
    alone.evaluate("at(-1).fail(true)")
    until(alone, lambda: states(alone, "secret")[-1] == "denied")
    assert states(alone, "a") == ["connecting", "live"]
    assert not alone.evaluate("at(0).isClosed")


def test_what_is_no_longer_wanted_is_dropped_later(alone: Page) -> None:
    follow(alone, "a", "b")
    alone.evaluate("at(-1).open(), told.b.leave()")
    alone.clock.run_for(1_000)
    assert count(alone) == 1
    alone.clock.run_for(6_000)
    assert count(alone) == 2
    assert "task-b" not in url(alone)


def test_another_origin_gets_a_new_token_for_each_connection(alone: Page) -> None:
    asked: list[tuple[Any, str]] = []

    def give(route: Route) -> None:
        asked.append((route.request.post_data_json, route.request.headers["x-csrftoken"]))
        route.fulfill(json={"token": f"t{len(asked)}", "url": "", "expires_in": 60})

    alone.route(f"{ORIGIN}/token", give)
    alone.evaluate("config = { eventsUrl: 'https://stream.test/events/', tokenUrl: '/token', csrfToken: 'c' }")
    follow(alone, "a", log=True)
    until(alone, lambda: count(alone) == 1)
    assert url(alone) == "https://stream.test/events/?token=t1"
    alone.evaluate("""
        at(-1).open();
        at(-1).emit("log", { task: "a", text: "one" }, "task-a.log:12");
        at(-1).fail();
    """)
    alone.clock.run_for(600)
    until(alone, lambda: count(alone) == 2)
    assert url(alone) == "https://stream.test/events/?lastEventId=task-a.log:12&token=t2"
    assert asked == [({"channels": ["task-a", "task-a.log"], "transport": "sse"}, "c")] * 2


@pytest.mark.parametrize(("status", "channels"), [(401, None), (403, ["task-a"])])
def test_who_gets_no_token_is_told(alone: Page, status: int, channels: list[str] | None) -> None:
    alone.route(f"{ORIGIN}/token", lambda route: route.fulfill(status=status, json={"channels": channels}))
    alone.evaluate("config = { eventsUrl: 'https://stream.test/events/', tokenUrl: '/token', csrfToken: 'c' }")
    follow(alone, "a")
    until(alone, lambda: states(alone)[-1] == "denied")
