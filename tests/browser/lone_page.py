"""The modules of the stream on a page of their own: a pretended EventSource, a clock that the test moves, no server."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route

import progress_app
from tests import processes

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
window.unread = 0; // requests whose answer the page has not taken yet
const { fetch } = window;
window.fetch = async (...asked) => {
  const taken = () => turn().then(() => { window.unread -= 1; });
  window.unread += 1;
  try {
    const answer = await fetch(...asked);
    const read = answer.json.bind(answer);
    if (answer.ok) answer.json = () => read().finally(taken);
    else taken();
    return answer;
  } catch (error) {
    taken();
    throw error;
  }
};
Math.random = () => 0.999999;
"""


class Answers:
    """What the snapshot URLs answer; `asked` counts."""

    def __init__(self) -> None:
        self.status = 200
        self.snapshot: dict[str, Any] = {"pos": 1, "state": "running"}
        self.headers: dict[str, str] = {}
        self.asked = 0

    def give(self, route: Route) -> None:
        """Answer one request."""
        self.asked += 1
        task = route.request.url.rpartition("/")[2]
        if self.status != 200:
            route.fulfill(status=self.status)
        else:
            route.fulfill(json={"task": task, **self.snapshot}, headers=self.headers)


def open_alone(page: Page, answers: Answers) -> None:
    """Open an empty page that can import the modules, with the pretended EventSource and a clock that stands.

    What a test routes before is asked for there.
    """
    page.route(f"{ORIGIN}/snapshot/**", answers.give)
    page.route(f"{ORIGIN}/events/**", lambda route: route.fulfill(status=502))
    page.clock.install(time=START_MS / 1000)
    page.add_init_script(PRETENDED)
    page.goto(f"{ORIGIN}/")
    page.clock.pause_at(START_MS / 1000 + SETTLED_S)  # else it goes on by itself, and a loaded machine shows


def serve(route: Route) -> None:
    name = route.request.url.removeprefix(ORIGIN).lstrip("/")
    if name:
        route.fulfill(path=MODULES / name, content_type="text/javascript")
    else:
        route.fulfill(body="<!DOCTYPE html><title>alone</title>", content_type="text/html")


def follow(page: Page, *tasks: str, log: bool = False, rows: str | None = None) -> None:
    """Let viewers of these tasks come, and the connection be made."""
    options = {"log": log} | ({"rows": rows} if rows else {})
    page.evaluate(
        "async ([tasks, options]) => { for (const task of tasks) await follow(task, options); }", [list(tasks), options]
    )
    page.clock.run_for(100)


def url(page: Page, index: int = -1) -> str:
    return str(page.evaluate("(index) => decodeURIComponent(decodeURIComponent(at(index).url))", index))


def count(page: Page) -> int:
    return int(page.evaluate("made.length"))


def states(page: Page, task: str = "a") -> list[str]:
    return list(page.evaluate("(task) => told[task].states", task))


def has_read(page: Page) -> bool:
    """Whether the page has taken every answer: what it does then has its timers set."""
    return bool(page.evaluate("unread") == 0)


def moments(page: Page, answers: Answers, seconds: int) -> list[int]:
    """Let so many seconds pass; return those in which a snapshot was asked for."""
    found = []
    for second in range(seconds):
        asked = answers.asked
        page.clock.run_for(1_000)
        until(page, lambda: has_read(page))
        if answers.asked > asked:
            found.append(second)
    return found


def gaps(found: list[int]) -> list[int]:
    return [later - earlier for earlier, later in pairwise(found)]


def until(page: Page, condition: Callable[[], bool]) -> None:
    """Let answers arrive: the page's clock stands, the network's does not."""

    def look() -> bool:
        page.evaluate("0")  # one turn of Playwright's loop
        return condition()

    processes.until(look, what="the answer")
