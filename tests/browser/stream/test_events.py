"""event-stream.js and what comes over its connection: nothing twice, nothing out of order, no silent hole."""

from playwright.sync_api import Page

from tests.browser.lone_page import (
    Answers,
    count,
    follow,
    states,
    until,
    url,
)


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
