"""event-stream.js by itself: a pretended EventSource, a clock that the test moves, no server."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from tests.browser.lone_page import (
    ORIGIN,
    Answers,
    count,
    follow,
    gaps,
    moments,
    open_alone,
    serve,
    states,
    until,
    url,
)


@pytest.fixture
def alone(page: Page, answers: Answers) -> Page:
    """Open an empty page with the modules."""
    page.route(f"{ORIGIN}/**", serve)
    open_alone(page, answers)
    return page


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


def test_what_the_server_asked_back_is_brought_back_and_nothing_else(alone: Page) -> None:
    follow(alone, "a", "b", log=True)
    alone.evaluate("""
        at(-1).open();
        at(-1).emit("progress", { task: "a", pos: 7, state: "running" });
        at(-1).emit("log", { task: "a", text: "one" }, "task-a.log:12");
        at(-1).emit("complete", { task: "b", pos: 9, state: "succeeded" }, "task-a.log:12,task-b:9");
        at(-1).fail();
    """)
    alone.clock.run_for(600)
    assert count(alone) == 2
    assert url(alone).endswith("lastEventId=task-a.log:12")
    assert "task-b" not in url(alone)


def test_positions_never_go_back(alone: Page) -> None:
    follow(alone, "a", log=True)
    shown = alone.evaluate("""async () => {
        at(-1).open();
        for (const pos of [5, 5, 4, 6]) at(-1).emit("progress", { task: "a", pos, state: "running" });
        for (const pos of [2, 2, 1, 3]) at(-1).emit("log", { task: "a", text: `line ${pos}` }, `task-a.log:${pos}`);
        await turn();
        return [told.a.snapshots.map(({ pos }) => pos), entries];
    }""")
    assert shown == [[5, 6], ["line 2", "line 3"]]


def test_a_hole_that_a_hosted_service_left_in_a_log_is_told(alone: Page) -> None:
    follow(alone, "a", log=True)
    shown = alone.evaluate("""async () => {
        at(-1).open();
        const first = 1_790_000_000 * 2 ** 20;
        for (const step of [0, 1, 1, 4, 5]) at(-1).emit("log", { pos: first + step, task: "a", text: `line ${step}` });
        at(-1).emit("log", { pos: first + 6, task: "a", ref: "/too/long/" });
        await turn();
        return [entries, gaps];
    }""")
    assert shown == [["line 0", "line 1", "line 4", "line 5"], [[2, "task-a.log"], [4, "task-a.log"]]]


def test_a_log_whose_beginning_a_hosted_service_lost_is_told_of(alone: Page) -> None:
    follow(alone, "a", log=True)
    shown = alone.evaluate("""async () => {
        at(-1).open();
        at(-1).emit("log", { pos: 1_790_000_000 * 2 ** 20 + 3, task: "a", text: "line 3" });
        await turn();
        return [entries, gaps];
    }""")
    assert shown == [["line 3"], [[0, "task-a.log"]]]


def test_an_end_is_shown_whatever_its_position(alone: Page) -> None:
    follow(alone, "a")
    states = alone.evaluate("""async () => {
        at(-1).open();
        at(-1).emit("progress", { task: "a", pos: 5, state: "running" });
        at(-1).emit("complete", { task: "a", pos: 5, state: "lost" });
        at(-1).emit("progress", { task: "a", pos: 6, state: "running" });
        await turn();
        return told.a.snapshots.map(({ state }) => state);
    }""")
    assert states == ["running", "lost"]


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


def test_a_list_takes_its_rows_from_one_channel(alone: Page) -> None:
    follow(alone, *(f"t{number}" for number in range(80)), rows="tasks")
    assert url(alone).count("channel=") == 1
    shown = alone.evaluate("""async () => {
        at(-1).open();
        const row = (percent, pos) => ({ task: "t7", state: "running", percent, stage: null, pos });
        for (const [percent, pos] of [[5, 1], [8, 3], [7, 2]]) at(-1).emit("rows", { rows: [row(percent, pos)] });
        await turn();
        return told.t7.rows;
    }""")
    assert shown == [["running", 5], ["running", 8]]
    assert states(alone, "t79")[-1] == "live"


def test_who_is_not_among_the_first_rows_has_ended_meanwhile(alone: Page, answers: Answers) -> None:
    answers.snapshot = {"pos": 9, "state": "succeeded"}
    follow(alone, "here", "gone", rows="tasks")
    alone.evaluate("""
        at(-1).open();
        at(-1).emit("rows", { rows: [{ task: "here", state: "running", percent: 5, stage: null, pos: 3 }] });
    """)
    until(alone, lambda: states(alone, "gone")[-1] == "ended")
    assert answers.asked == 1


def test_the_end_of_a_row_is_asked_for_in_full(alone: Page, answers: Answers) -> None:
    answers.snapshot = {"pos": 9, "state": "failed", "error": {"code": "x", "text": "no"}}
    follow(alone, "a", rows="tasks")
    alone.evaluate("""
        at(-1).open();
        at(-1).emit("rows", { rows: [{ task: "a", state: "failed", percent: 5, stage: null, pos: 9 }] });
    """)
    until(alone, lambda: states(alone)[-1] == "ended")
    assert alone.evaluate("told.a.snapshots.at(-1).error.text") == "no"


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


def test_polling_by_choice_opens_no_stream(alone: Page, answers: Answers) -> None:
    alone.evaluate("config = { transport: 'poll' }")
    follow(alone, "a")
    until(alone, lambda: states(alone)[-1] == "polling")
    alone.clock.run_for(400_000)
    assert count(alone) == 0
    assert answers.asked > 1
