"""event-stream.js beside a hosted service and by polling: a pretended client library, a clock that the test moves."""

from typing import Any

import pytest
from playwright.sync_api import Page, Route

from tests.browser.lone_page import (
    ORIGIN,
    Answers,
    count,
    follow,
    gaps,
    has_read,
    moments,
    open_alone,
    serve,
    states,
    until,
)

LIBRARY = """
window.services = [];
window.Pusher = class {
  channels = {};
  constructor(key, options) {
    Object.assign(this, { key, options, isClosed: false });
    this.on = {};
    this.connection = { bind: (event, act) => { this.on[event] = act; } };
    services.push(this);
  }
  subscribe(name) {
    const heard = {};
    const channel = (this.channels[name] = { heard });
    channel.bind = (event, act) => { heard[event] = act; };
    channel.bind_global = (act) => { channel.all = act; };
    return channel;
  }
  disconnect() { this.isClosed = true; }
  joins() { for (const { heard } of Object.values(this.channels)) heard["pusher:subscription_succeeded"](); }
  tells(channel, event, data) { this.channels[channel].all(event, data); }
};
"""
CHOSEN = """config = {
  transport: "pusher", tokenUrl: "/token", csrfToken: "c", libraryUrl: "/pretended.js",
}"""
SELDOM_MS, CLIMB_MS = 37_000, 301_000


class Doors:
    """What the server answers who wants to connect to the service."""

    def __init__(self) -> None:
        self.via = "pusher"
        self.tokens = 0
        self.libraries = 0

    def give_token(self, route: Route) -> None:
        self.tokens += 1
        asked = (route.request.post_data_json or {})["channels"]
        told: dict[str, Any] = {"transport": "pusher", "via": self.via, "auth_url": "/auth", "settings": {"key": "k"}}
        route.fulfill(json=told | {"channels": {name: f"private-{name}" for name in asked}})

    def give_library(self, route: Route) -> None:
        self.libraries += 1
        route.fulfill(body=LIBRARY, content_type="text/javascript")


@pytest.fixture
def doors() -> Doors:
    return Doors()


@pytest.fixture
def alone(page: Page, answers: Answers, doors: Doors) -> Page:
    """Open an empty page that has chosen the service."""
    page.route(f"{ORIGIN}/**", serve)
    page.route(f"{ORIGIN}/token", doors.give_token)
    page.route(f"{ORIGIN}/pretended.js", doors.give_library)
    open_alone(page, answers)
    page.evaluate(CHOSEN)
    return page


def joined(page: Page, *tasks: str) -> None:
    """Follow these tasks over the service, which lets them join."""
    follow(page, *tasks)
    until(page, lambda: page.evaluate("window.services?.length > 0"))
    page.evaluate("services.at(-1).joins()")
    until(page, lambda: states(page, tasks[-1])[-1] == "live")


def asked_again(page: Page, answers: Answers, within_ms: int) -> None:
    """Let so much time pass and the answers arrive."""
    until(page, lambda: has_read(page))  # else the next pause begins when the clock stands again
    asked = answers.asked
    page.clock.run_for(within_ms)
    until(page, lambda: answers.asked > asked)


# Over the service


def test_the_library_is_loaded_once_where_it_is_chosen(alone: Page, doors: Doors) -> None:
    joined(alone, "a", "b")
    assert (doors.libraries, count(alone)) == (1, 0)


@pytest.mark.parametrize("chosen", ["sse", "poll"])
def test_the_library_is_not_loaded_where_it_is_not_chosen(
    alone: Page, doors: Doors, answers: Answers, chosen: str
) -> None:
    alone.evaluate("(transport) => { config.transport = transport; }", chosen)
    follow(alone, "a")
    asked_again(alone, answers, 10_000)
    assert (doors.libraries, doors.tokens) == (0, 0)


def test_an_event_of_the_service_is_shown(alone: Page) -> None:
    joined(alone, "a")
    alone.evaluate("services.at(-1).tells('private-task-a', 'progress', { task: 'a', pos: 9, state: 'running' })")
    assert alone.evaluate("turn().then(() => told.a.snapshots.at(-1).pos)") == 9


def test_an_end_that_the_service_dropped_is_found_by_asking_seldom(alone: Page, answers: Answers) -> None:
    joined(alone, "a")
    until(alone, lambda: answers.asked == 1)  # at once: who joins late
    answers.snapshot = {"pos": 2, "state": "succeeded"}
    asked_again(alone, answers, SELDOM_MS)
    until(alone, lambda: states(alone)[-1] == "ended")
    assert alone.evaluate("told.a.snapshots.at(-1).state") == "succeeded"


def test_what_is_too_long_for_the_service_is_fetched_once(alone: Page, answers: Answers) -> None:
    joined(alone, "a")
    until(alone, lambda: answers.asked == 1)  # and its answer may be under way still
    answers.snapshot = {"pos": 7, "state": "running", "percent": 70}
    alone.evaluate(
        "services.at(-1).tells('private-task-a', 'progress', { v: 1, task: 'a', pos: 7, ref: '/snapshot/a' })"
    )
    until(alone, lambda: alone.evaluate("told.a.snapshots.at(-1)?.percent") == 70)
    assert answers.asked == 2


GAVE_UP = [
    "on.state_change({ previous: 'connecting', current: 'failed' })",
    "on.state_change({ previous: 'connecting', current: 'disconnected' })",  # it does not know the key
    "on.error({ type: 'PusherError', data: { code: null, message: 'Invalid signature' } })",
]


@pytest.mark.parametrize("gave_up", GAVE_UP)
def test_a_service_that_breaks_is_tried_again_and_one_that_refuses_leaves_the_stream(alone: Page, gave_up: str) -> None:
    joined(alone, "a")
    alone.evaluate("services.at(-1).on.state_change({ previous: 'connected', current: 'connecting' })")
    until(alone, lambda: alone.evaluate("services.at(-1).isClosed"))
    alone.clock.run_for(1_000)
    until(alone, lambda: alone.evaluate("services.length") == 2)
    alone.evaluate(f"services.at(-1).{gave_up}")
    alone.clock.run_for(100)
    until(alone, lambda: count(alone) == 1)
    alone.evaluate("at(-1).open()")
    assert states(alone)[-1] == "live"


def test_who_may_not_subscribe_is_told(alone: Page) -> None:
    follow(alone, "a")
    until(alone, lambda: alone.evaluate("window.services?.length > 0"))
    alone.evaluate("services.at(-1).channels['private-task-a'].heard['pusher:subscription_error']({ status: 403 })")
    until(alone, lambda: states(alone)[-1] == "denied")


# The ladder, and the server's word


def test_the_server_s_token_sends_a_viewer_to_the_stream(alone: Page, doors: Doors) -> None:
    doors.via = "sse"
    follow(alone, "a")
    until(alone, lambda: doors.tokens == 1 and has_read(alone))
    alone.clock.run_for(100)
    until(alone, lambda: count(alone) == 1)
    assert doors.libraries == 0


def test_a_snapshot_sends_a_viewer_to_the_stream_and_time_back(alone: Page, answers: Answers, doors: Doors) -> None:
    joined(alone, "a")
    until(alone, lambda: answers.asked == 1)
    answers.snapshot = {"pos": 2, "state": "running", "via": "sse"}
    asked_again(alone, answers, SELDOM_MS)
    until(alone, lambda: count(alone) == 1)
    assert not alone.evaluate("services.at(-1).isClosed")  # nobody is without events meanwhile
    alone.evaluate("at(-1).open()")
    until(alone, lambda: alone.evaluate("services.at(-1).isClosed"))
    alone.evaluate("setInterval(() => at(-1).emit('progress', { task: 'a', pos: 3, state: 'running' }), 10_000)")
    answers.snapshot = {"pos": 3, "state": "running", "via": "pusher"}
    alone.clock.run_for(CLIMB_MS)
    until(alone, lambda: doors.tokens == 2 and alone.evaluate("services.length") == 2)
    alone.evaluate("services.at(-1).joins()")
    until(alone, lambda: alone.evaluate("at(-1).isClosed"))


def test_where_neither_comes_through_one_asks(alone: Page, doors: Doors, answers: Answers) -> None:
    doors.via = "sse"
    follow(alone, "a")
    until(alone, lambda: doors.tokens == 1 and has_read(alone))
    alone.clock.run_for(100)
    until(alone, lambda: count(alone) == 1)
    alone.evaluate("at(-1).fail(true)")
    until(alone, lambda: states(alone)[-1] == "polling")


# Polling


@pytest.fixture
def polling(alone: Page) -> Page:
    """Choose polling, without its scatter."""
    alone.evaluate("config = { transport: 'poll' }, Math.random = () => 0")
    return alone


def follow_polled(polling: Page, answers: Answers) -> None:
    """Let a viewer come, and have the first answer."""
    follow(polling, "a")
    until(polling, lambda: answers.asked == 1 and has_read(polling))


def test_it_is_never_asked_sooner_than_the_server_says(polling: Page, answers: Answers) -> None:
    answers.headers = {"Retry-After": "9"}
    follow_polled(polling, answers)
    assert min(gaps(moments(polling, answers, 40))) >= 9


def test_after_errors_it_is_asked_ever_later_and_never_within_a_second(polling: Page, answers: Answers) -> None:
    polling.evaluate("Math.random = () => 0.999999")
    answers.status = 500
    follow_polled(polling, answers)
    waits = gaps(moments(polling, answers, 90))
    assert waits == sorted(waits)
    assert waits[4] >= 4 * waits[1]
    assert (waits[0] >= 1, waits[-1] <= 21) == (True, True)


def test_after_an_error_there_is_a_second_s_pause_at_least(polling: Page, answers: Answers) -> None:
    answers.status = 500
    follow_polled(polling, answers)
    assert len(moments(polling, answers, 10)) <= 10
    assert answers.asked <= 11


def test_pauses_are_scattered_upwards(polling: Page, answers: Answers) -> None:
    polling.evaluate("Math.random = () => 0.999999")
    answers.headers = {"Retry-After": "10"}
    follow_polled(polling, answers)
    assert set(gaps(moments(polling, answers, 60))) == {12}


def test_after_the_end_nothing_is_asked(polling: Page, answers: Answers) -> None:
    follow(polling, "a")
    until(polling, lambda: states(polling)[-1] == "polling")
    answers.snapshot = {"pos": 2, "state": "failed"}
    asked_again(polling, answers, 3_000)
    until(polling, lambda: states(polling)[-1] == "ended")
    assert moments(polling, answers, 60) == []
