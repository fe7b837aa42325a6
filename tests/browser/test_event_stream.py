"""event-stream.js by itself: a pretended EventSource, a clock that the test moves, no server."""

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route

import progress_app

MODULES = Path(progress_app.__file__).parent / "static" / "progress_app"
ORIGIN = "http://modules.test"
START_MS = 1_790_000_000_000
SETTLED_S = 60  # the page has loaded by then, by its own clock

PRETENDED = """
window.made = [];
window.EventSource = class {
  static CONNECTING = 0; static OPEN = 1; static CLOSED = 2;
  constructor(url) { this.url = url; this.readyState = 0; this.heard = {}; this.isClosed = false; made.push(this); }
  addEventListener(name, listener) { this.heard[name] = listener; }
  close() { this.isClosed = true; }
  emit(type, data, lastEventId = "") { this.heard[type]?.({ type, data: JSON.stringify(data), lastEventId }); }
  open(heartbeat_s = 15) { this.readyState = 1; this.emit("stream-open", { heartbeat_s }); }
  fail(isRefused = false) { this.readyState = isRefused ? 2 : 0; this.heard.error({}); }
};
window.at = (index) => window.made.at(index);
window.told = {}; window.entries = []; window.gaps = [];
window.follow = async (task, { log = false, rows } = {}) => {
  const { subscribe } = await import("/event-stream.js");
  const told = (window.told[task] = { snapshots: [], states: [], rows: [] });
  return (told.leave = subscribe({ eventsUrl: "/events/", ...window.config }, {
    channel: `task-${task}`, logChannel: log ? `task-${task}.log` : undefined, snapshotUrl: `/snapshot/${task}`,
    rowsChannel: rows, row: (row) => told.rows.push([row.state, row.percent]),
    snapshot: (snapshot) => told.snapshots.push(snapshot), entry: (entry) => window.entries.push(entry.text),
    reset: (channels) => gaps.push([entries.length, ...channels]),
    status: ({ state }) => { if (told.states.at(-1) !== state) told.states.push(state); },
  }));
};
window.turn = () => new Promise((resolve) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = resolve;
  port2.postMessage(null);
});
Math.random = () => 0.999999;
"""


class Answers:
    """What the snapshot URLs answer; `asked` counts."""

    def __init__(self) -> None:
        self.status = 200
        self.snapshot: dict[str, Any] = {"pos": 1, "state": "running"}
        self.asked = 0

    def give(self, route: Route) -> None:
        """Answer one request."""
        self.asked += 1
        task = route.request.url.rpartition("/")[2]
        if self.status != 200:
            route.fulfill(status=self.status)
        else:
            route.fulfill(json={"task": task, **self.snapshot})


@pytest.fixture
def answers() -> Answers:
    """Return the snapshot's answers, which a test may change."""
    return Answers()


@pytest.fixture
def alone(page: Page, answers: Answers) -> Page:
    """Open an empty page that can import the modules, with the pretended EventSource."""
    page.route(f"{ORIGIN}/**", _serve)
    page.route(f"{ORIGIN}/snapshot/**", answers.give)
    page.route(f"{ORIGIN}/events/**", lambda route: route.fulfill(status=502))
    page.clock.install(time=START_MS / 1000)
    page.add_init_script(PRETENDED)
    page.goto(f"{ORIGIN}/")
    page.clock.pause_at(START_MS / 1000 + SETTLED_S)  # else it goes on by itself, and a loaded machine shows
    return page


def _serve(route: Route) -> None:
    name = route.request.url.removeprefix(ORIGIN).lstrip("/")
    if name:
        route.fulfill(path=MODULES / name, content_type="text/javascript")
    else:
        route.fulfill(body="<!DOCTYPE html><title>alone</title>", content_type="text/html")


def _follow(page: Page, *tasks: str, log: bool = False, rows: str | None = None) -> None:
    """Let viewers of these tasks come, and the connection be made."""
    options = {"log": log} | ({"rows": rows} if rows else {})
    page.evaluate(
        "async ([tasks, options]) => { for (const task of tasks) await follow(task, options); }", [list(tasks), options]
    )
    page.clock.run_for(100)


def _url(page: Page, index: int = -1) -> str:
    return str(page.evaluate("(index) => decodeURIComponent(decodeURIComponent(at(index).url))", index))


def _count(page: Page) -> int:
    return int(page.evaluate("made.length"))


def _states(page: Page, task: str = "a") -> list[str]:
    return list(page.evaluate("(task) => told[task].states", task))


def _until(page: Page, condition: Callable[[], bool]) -> None:
    """Let answers arrive: the page's clock stands, the network's does not."""
    for _ in range(200):
        if condition():
            return
        page.evaluate("0")
    raise AssertionError("the answer did not arrive")


def test_all_viewers_share_one_connection_with_sorted_channels(alone: Page) -> None:
    _follow(alone, "b", "a", log=True)
    assert _count(alone) == 1
    channels = re.findall(r"channel=([^&]+)", _url(alone))
    assert channels == ["task-a", "task-a.log", "task-b", "task-b.log"]


def test_a_newcomer_reopens_it_and_a_twin_does_not(alone: Page) -> None:
    _follow(alone, "a")
    alone.evaluate("at(-1).open()")
    _follow(alone, "a")
    assert _count(alone) == 1
    _follow(alone, "b", "c")
    assert _count(alone) == 2
    assert not alone.evaluate("at(0).isClosed")  # it serves until the next one does
    alone.evaluate("at(1).open()")
    assert alone.evaluate("at(0).isClosed")


def test_who_leaves_last_closes_it(alone: Page) -> None:
    _follow(alone, "a", "b")
    alone.evaluate("at(-1).open()")
    alone.evaluate("told.a.leave(), told.b.leave()")
    assert alone.evaluate("at(-1).isClosed")
    alone.clock.run_for(120_000)
    assert _count(alone) == 1


def test_what_the_server_asked_back_is_brought_back_and_nothing_else(alone: Page) -> None:
    _follow(alone, "a", "b", log=True)
    alone.evaluate("""
        at(-1).open();
        at(-1).emit("progress", { task: "a", pos: 7, state: "running" });
        at(-1).emit("log", { task: "a", text: "one" }, "task-a.log:12");
        at(-1).emit("complete", { task: "b", pos: 9, state: "succeeded" }, "task-a.log:12,task-b:9");
        at(-1).fail();
    """)
    alone.clock.run_for(600)
    assert _count(alone) == 2
    assert _url(alone).endswith("lastEventId=task-a.log:12")
    assert "task-b" not in _url(alone)


def test_positions_never_go_back(alone: Page) -> None:
    _follow(alone, "a", log=True)
    shown = alone.evaluate("""async () => {
        at(-1).open();
        for (const pos of [5, 5, 4, 6]) at(-1).emit("progress", { task: "a", pos, state: "running" });
        for (const pos of [2, 2, 1, 3]) at(-1).emit("log", { task: "a", text: `line ${pos}` }, `task-a.log:${pos}`);
        await turn();
        return [told.a.snapshots.map(({ pos }) => pos), entries];
    }""")
    assert shown == [[5, 6], ["line 2", "line 3"]]


def test_a_hole_that_a_hosted_service_left_in_a_log_is_told(alone: Page) -> None:
    _follow(alone, "a", log=True)
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
    _follow(alone, "a", log=True)
    shown = alone.evaluate("""async () => {
        at(-1).open();
        at(-1).emit("log", { pos: 1_790_000_000 * 2 ** 20 + 3, task: "a", text: "line 3" });
        await turn();
        return [entries, gaps];
    }""")
    assert shown == [["line 3"], [[0, "task-a.log"]]]


def test_an_end_is_shown_whatever_its_position(alone: Page) -> None:
    _follow(alone, "a")
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
    _follow(alone, "a")
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
    before, waited_ms = _count(page), 0
    while _count(page) == before:
        page.clock.run_for(100)
        waited_ms += 100
        assert waited_ms < 30_000
    return waited_ms / 1000


def test_no_greeting_in_five_seconds_means_polling(alone: Page, answers: Answers) -> None:
    _follow(alone, "a")
    alone.clock.run_for(4_800)
    assert answers.asked == 0
    alone.clock.run_for(300)
    _until(alone, lambda: _states(alone)[-1] == "polling")
    assert alone.evaluate("told.a.snapshots.length") == 1
    alone.clock.run_for(40_000)
    alone.evaluate("at(-1).open()")
    assert _states(alone)[-1] == "live"
    asked = answers.asked
    alone.clock.run_for(10_000)
    assert answers.asked == asked


def test_after_a_refusal_the_snapshot_tells_why(alone: Page, answers: Answers) -> None:
    answers.snapshot = {"pos": 3, "state": "succeeded"}
    _follow(alone, "a")
    alone.evaluate("at(-1).fail(true)")
    _until(alone, lambda: _states(alone)[-1] == "ended")
    alone.clock.run_for(400_000)
    assert _count(alone) == 1


@pytest.mark.parametrize("status", [401, 403, 404])
def test_who_may_not_read_is_told_and_asks_no_more(alone: Page, answers: Answers, status: int) -> None:
    answers.status = status
    _follow(alone, "a")
    alone.evaluate("at(-1).fail(true)")
    _until(alone, lambda: _states(alone)[-1] == "denied")
    alone.clock.run_for(400_000)
    assert (answers.asked, _count(alone)) == (1, 1)


def test_silence_is_checked_and_kept_if_nothing_was_missed(alone: Page, answers: Answers) -> None:
    _follow(alone, "a")
    alone.evaluate("at(-1).open(15), at(-1).emit('progress', { task: 'a', pos: 1, state: 'running' })")
    alone.clock.run_for(29_000)
    assert answers.asked == 0
    alone.clock.run_for(7_000)
    _until(alone, lambda: answers.asked == 1)
    assert _count(alone) == 1
    assert _states(alone)[-1] == "live"


@pytest.mark.parametrize(("status", "pos"), [(200, 2), (502, 1)])
def test_silence_that_hid_something_reopens_the_stream(alone: Page, answers: Answers, status: int, pos: int) -> None:
    answers.status, answers.snapshot = status, {"pos": pos, "state": "running"}
    _follow(alone, "a")
    alone.evaluate("at(-1).open(15), at(-1).emit('progress', { task: 'a', pos: 1, state: 'running' })")
    alone.clock.run_for(36_000)
    _until(alone, lambda: _states(alone)[-1] == "reconnecting")
    alone.clock.run_for(600)
    assert _count(alone) == 2


def test_a_sleep_of_the_computer_is_noticed_at_once(alone: Page, answers: Answers) -> None:
    _follow(alone, "a")
    alone.evaluate("at(-1).open(15)")
    answers.snapshot = {"pos": 9, "state": "succeeded"}
    alone.clock.fast_forward(3_600_000)
    _until(alone, lambda: _states(alone)[-1] == "ended")
    assert alone.evaluate("told.a.snapshots.at(-1).pos") == 9


def test_all_ended_means_no_connection_any_more(alone: Page) -> None:
    _follow(alone, "a", "b")
    alone.evaluate("""
        at(-1).open();
        for (const task of ["a", "b"]) at(-1).emit("complete", { task, pos: 9, state: "failed" }, `task-${task}:9`);
    """)
    assert _states(alone, "a")[-1] == _states(alone, "b")[-1] == "ended"
    alone.clock.run_for(400_000)
    assert alone.evaluate("at(-1).isClosed")
    assert _count(alone) == 1


def test_beyond_fifty_channels_the_rest_polls(alone: Page, answers: Answers) -> None:
    names = [f"t{number:02}" for number in range(53)]
    _follow(alone, *names)
    alone.evaluate("at(-1).open()")
    assert _url(alone).count("channel=") == 50
    _until(alone, lambda: [_states(alone, name)[-1] for name in names[50:]] == ["polling"] * 3)
    assert answers.asked == 3


def test_polling_slows_down_while_nothing_changes(alone: Page, answers: Answers) -> None:
    alone.evaluate("delete window.EventSource, window.EventSource = undefined, Math.random = () => 0")  # no scatter
    _follow(alone, "a")
    moments: list[int] = []
    for second in range(60):
        asked = answers.asked
        alone.clock.run_for(1_000)
        for _ in range(10):
            alone.evaluate("0")
        if answers.asked > asked:
            moments.append(second)
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    assert gaps == sorted(gaps), gaps
    assert gaps[0] <= 3
    assert gaps[-1] >= 10


def test_a_list_takes_its_rows_from_one_channel(alone: Page) -> None:
    _follow(alone, *(f"t{number}" for number in range(80)), rows="tasks")
    assert _url(alone).count("channel=") == 1
    shown = alone.evaluate("""async () => {
        at(-1).open();
        const row = (percent, pos) => ({ task: "t7", state: "running", percent, stage: null, pos });
        for (const [percent, pos] of [[5, 1], [8, 3], [7, 2]]) at(-1).emit("rows", { rows: [row(percent, pos)] });
        await turn();
        return told.t7.rows;
    }""")
    assert shown == [["running", 5], ["running", 8]]
    assert _states(alone, "t79")[-1] == "live"


def test_who_is_not_among_the_first_rows_has_ended_meanwhile(alone: Page, answers: Answers) -> None:
    answers.snapshot = {"pos": 9, "state": "succeeded"}
    _follow(alone, "here", "gone", rows="tasks")
    alone.evaluate("""
        at(-1).open();
        at(-1).emit("rows", { rows: [{ task: "here", state: "running", percent: 5, stage: null, pos: 3 }] });
    """)
    _until(alone, lambda: _states(alone, "gone")[-1] == "ended")
    assert answers.asked == 1


def test_the_end_of_a_row_is_asked_for_in_full(alone: Page, answers: Answers) -> None:
    answers.snapshot = {"pos": 9, "state": "failed", "error": {"code": "x", "text": "no"}}
    _follow(alone, "a", rows="tasks")
    alone.evaluate("""
        at(-1).open();
        at(-1).emit("rows", { rows: [{ task: "a", state: "failed", percent: 5, stage: null, pos: 9 }] });
    """)
    _until(alone, lambda: _states(alone)[-1] == "ended")
    assert alone.evaluate("told.a.snapshots.at(-1).error.text") == "no"


def test_a_refusal_of_one_newcomer_leaves_the_others_served(alone: Page, answers: Answers) -> None:
    _follow(alone, "a")
    alone.evaluate("at(-1).open()")
    answers.status = 404
    _follow(alone, "secret")
    alone.evaluate("at(-1).fail(true)")
    _until(alone, lambda: _states(alone, "secret")[-1] == "denied")
    assert _states(alone, "a") == ["connecting", "live"]
    assert not alone.evaluate("at(0).isClosed")


def test_what_is_no_longer_wanted_is_dropped_later(alone: Page) -> None:
    _follow(alone, "a", "b")
    alone.evaluate("at(-1).open(), told.b.leave()")
    alone.clock.run_for(1_000)
    assert _count(alone) == 1
    alone.clock.run_for(6_000)
    assert _count(alone) == 2
    assert "task-b" not in _url(alone)


def test_another_origin_gets_a_new_token_for_each_connection(alone: Page) -> None:
    asked: list[tuple[Any, str]] = []

    def give(route: Route) -> None:
        asked.append((route.request.post_data_json, route.request.headers["x-csrftoken"]))
        route.fulfill(json={"token": f"t{len(asked)}", "url": "", "expires_in": 60})

    alone.route(f"{ORIGIN}/token", give)
    alone.evaluate("config = { eventsUrl: 'https://stream.test/events/', tokenUrl: '/token', csrfToken: 'c' }")
    _follow(alone, "a", log=True)
    _until(alone, lambda: _count(alone) == 1)
    assert _url(alone) == "https://stream.test/events/?token=t1"
    alone.evaluate("""
        at(-1).open();
        at(-1).emit("log", { task: "a", text: "one" }, "task-a.log:12");
        at(-1).fail();
    """)
    alone.clock.run_for(600)
    _until(alone, lambda: _count(alone) == 2)
    assert _url(alone) == "https://stream.test/events/?lastEventId=task-a.log:12&token=t2"
    assert asked == [({"channels": ["task-a", "task-a.log"], "transport": "sse"}, "c")] * 2


@pytest.mark.parametrize(("status", "channels"), [(401, None), (403, ["task-a"])])
def test_who_gets_no_token_is_told(alone: Page, status: int, channels: list[str] | None) -> None:
    alone.route(f"{ORIGIN}/token", lambda route: route.fulfill(status=status, json={"channels": channels}))
    alone.evaluate("config = { eventsUrl: 'https://stream.test/events/', tokenUrl: '/token', csrfToken: 'c' }")
    _follow(alone, "a")
    _until(alone, lambda: _states(alone)[-1] == "denied")


def test_polling_by_choice_opens_no_stream(alone: Page, answers: Answers) -> None:
    alone.evaluate("config = { transport: 'poll' }")
    _follow(alone, "a")
    _until(alone, lambda: _states(alone)[-1] == "polling")
    alone.clock.run_for(400_000)
    assert _count(alone) == 0
    assert answers.asked > 1
