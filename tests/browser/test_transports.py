"""One scenario over every transport: start, watch, reload, a second tab, an outage in the middle, the end.

The job goes as far as the test lets it (tests/gated_jobs.py), so that each moment is waited for and none is guessed.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import BrowserContext, Page, expect

from config import assets, places, vendor
from tasks_app.models import Task
from tests.browser import steps
from tests.emulators.service import Emulator
from tests.environment import BASE
from tests.gated_jobs import Gate
from tests.stack import Stack, Valkey, new_stack

pytestmark = pytest.mark.long

OURS = ("sse", "poll")
HOSTED = [pytest.param(name, marks=pytest.mark.deploy) for name in ("pusher", "ably")]  # these need npm
EVERY = [*OURS, *HOSTED]
MANY_STAGES = 40  # with them a snapshot has some 18 KB; no job can make one that is too long for Ably


@pytest.fixture(params=EVERY)
def transport(request: pytest.FixtureRequest) -> str:
    """Return the transport's name."""
    return str(request.param)


@pytest.fixture
def service(request: pytest.FixtureRequest, transport: str) -> Emulator | None:
    """Start the hosted service that the transport needs, if any, and put its library among our static files."""
    if transport in OURS:
        return None
    kept = BASE / "var" / "vendor"
    vendor.install(kept)
    shutil.copytree(kept / "static", places.VAR / "vendor" / "static", dirs_exist_ok=True)
    assets.collect_if_changed()
    emulator: Emulator = request.getfixturevalue(transport)
    return emulator


@dataclass(frozen=True)
class Chosen:
    """A worker and a web with this transport; `service` carries the events if it is a hosted one."""

    transport: str
    service: Emulator | None
    stack: Stack

    @property
    def usual(self) -> str:
        """What a bar says of its connection while all is well."""
        return "polling" if self.transport == "poll" else "live"

    def breaks(self) -> Callable[[], Any]:
        """Take away what carries the events; returns what gives it back."""
        if self.service is not None:
            self.service.cut()
            return self.service.mend
        self.stack.web.service.kill()
        return self.stack.web.start


@pytest.fixture
def chosen(
    request: pytest.FixtureRequest, transport: str, service: Emulator | None, transactional_db: None, valkey: Valkey
) -> Iterator[Chosen]:
    """Start a worker and a web with this transport."""
    for wanted in ("redis_db", "static_files"):
        request.getfixturevalue(wanted)
    request.getfixturevalue("_session_stack").asleep()
    environment = service.settings if service else {"PROGRESS_TRANSPORT": transport}
    own = new_stack(valkey, transport, environment)
    own.start()
    yield Chosen(transport, service, own)
    own.stop()


@pytest.fixture
def seen(context: BrowserContext) -> dict[str, list[str]]:
    """Note the streams, sockets and client libraries that the browser opens."""
    noted: dict[str, list[str]] = {"streams": [], "sockets": [], "libraries": []}
    kinds = {"/events/?": "streams", "/static/vendor/": "libraries"}

    def note(url: str) -> None:
        for part, kind in kinds.items():
            if part in url:
                noted[kind].append(url)

    context.on("request", lambda request: note(request.url))
    context.on("page", lambda page: page.on("websocket", lambda socket: noted["sockets"].append(socket.url)))
    return noted


@pytest.fixture
def tab(chosen: Chosen, context: BrowserContext, session: dict[str, str]) -> Callable[[], Page]:
    """Open another tab of a member of staff; it notes what the bar shows."""
    steps.lend_session(context, chosen.stack.url, session)
    context.add_init_script(steps.NOTE_WHAT_IS_PAINTED)
    return context.new_page


def start(page: Page, chosen: Chosen, gate: Gate, *, more_stages: int = 0) -> str:
    """Start the gated job by its form; returns the address of its page, which is open then."""
    page.goto(f"{chosen.stack.url}/jobs/gated/")
    page.get_by_label("Gate").fill(str(gate.path))
    page.get_by_label("More stages").fill(str(more_stages))
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/tasks/*/")
    return page.url


def test_start_watch_reload_outage_end(
    chosen: Chosen, seen: dict[str, list[str]], tab: Callable[[], Page], gate: Gate
) -> None:
    first, second = tabs = tab(), tab()
    address = start(first, chosen, gate)
    for step in (5, 10):
        gate.open(step)
        steps.wait_for_percent(first, step)
        steps.expect_connection(first, chosen.usual)
    first.reload()
    steps.expect_connection(first, chosen.usual)
    assert steps.percent(first) == 10
    second.goto(address)
    steps.expect_connection(second, chosen.usual)
    gate.open(20)
    for page in tabs:
        steps.wait_for_percent(page, 20)
    _came_as_chosen(chosen, seen)
    _lives_through_an_outage(chosen, seen, gate, tabs)
    gate.open(100)
    for page in tabs:
        _shows_the_end(page)


def test_an_end_within_the_outage_is_found(
    chosen: Chosen, seen: dict[str, list[str]], tab: Callable[[], Page], gate: Gate
) -> None:
    page = tab()
    start(page, chosen, gate)
    gate.open(10)
    steps.wait_for_percent(page, 10)
    steps.expect_connection(page, chosen.usual)
    if chosen.service is not None:
        page.route("**/events/?*", lambda route: route.abort())  # a host that holds no connections
    mend = chosen.breaks()
    gate.open(100)
    steps.wait_for(page, lambda: Task.objects.get().is_final, "the end")
    if chosen.service is None:
        mend()
    _shows_the_end(page)
    assert bool(seen["sockets"]) == (chosen.service is not None)


def test_notices_reach_every_page(
    chosen: Chosen, seen: dict[str, list[str]], tab: Callable[[], Page], gate: Gate, staff: User
) -> None:
    catalogue, listing, operations = tabs = tab(), tab(), tab()
    start(catalogue, chosen, gate)
    gate.open(10)
    for page, path in ((catalogue, ""), (listing, "tasks/"), (operations, "ops/")):
        page.goto(f"{chosen.stack.url}/{path}")
    steps.expect_connection(listing, chosen.usual)
    expect(operations.locator("#ops")).to_have_attribute("data-connection", chosen.usual)
    if chosen.transport != "poll":
        catalogue.context.route("**/notices/", lambda route: route.abort())  # they shall not be found by asking
    gate.open(100)
    for page in tabs:
        toast = page.locator(".toast")
        expect(toast).to_have_text("Gated: Succeeded")
        expect(toast.get_by_role("link")).to_have_attribute("href", f"/tasks/{Task.objects.get().pk}/")
    told = [m for m in chosen.service.received() if m["name"] == "notification"] if chosen.service else []
    assert [m["channel"].removeprefix("private-") for m in told] == [f"user-{staff.pk}"] * bool(chosen.service)
    are_streamed = any(f"user-{staff.pk}" in _channels(url) for url in seen["streams"])
    assert are_streamed == (chosen.transport == "sse")


@pytest.mark.parametrize("transport", HOSTED[:1], indirect=True)
def test_what_is_too_long_for_the_service_is_fetched(
    chosen: Chosen, seen: dict[str, list[str]], tab: Callable[[], Page], gate: Gate
) -> None:
    page = tab()
    address = start(page, chosen, gate, more_stages=MANY_STAGES)
    steps.expect_connection(page, "live")
    for step in (10, 20):
        gate.open(step)
        steps.wait_for_percent(page, step)
    assert chosen.service is not None
    told = [message["data"] for message in chosen.service.received() if message["name"] == "progress"]
    snapshot = f"{address.removeprefix(chosen.stack.url)}snapshot/"
    assert {data["ref"] for data in told if "ref" in data} == {snapshot}
    steps.expect_connection(page, "live")
    assert not seen["streams"]
    gate.open(100)
    _shows_the_end(page)


@pytest.mark.parametrize("transport", HOSTED, indirect=True)
def test_a_list_is_on_a_stream_beside_the_service(
    chosen: Chosen, seen: dict[str, list[str]], tab: Callable[[], Page], gate: Gate, staff: User
) -> None:
    task, listing = tab(), tab()
    start(task, chosen, gate)
    gate.open(5)
    steps.wait_for_percent(task, 5)
    steps.expect_connection(task, "live")
    assert not seen["streams"]
    listing.goto(f"{chosen.stack.url}/tasks/")
    steps.expect_connection(listing, "live")
    gate.open(10)
    for page in (task, listing):
        steps.wait_for_percent(page, 10)
    assert [_channels(url) for url in seen["streams"]] == [[f"user-{staff.pk}.tasks"]]
    listing.context.route("**/events/?*", lambda route: route.abort())
    listing.reload()
    steps.expect_connection(listing, "polling")
    gate.open(20)
    for page in (task, listing):
        steps.wait_for_percent(page, 20)
    steps.expect_connection(task, "live")


def _channels(stream: str) -> list[str]:
    """Return the channels that the address of a stream asks for."""
    return parse_qs(urlsplit(stream).query)["channel"]


def _came_as_chosen(chosen: Chosen, seen: dict[str, list[str]]) -> None:
    """Events came over the chosen way, and over no other; a client library was loaded only where it is needed."""
    port = str(chosen.service.port) if chosen.service else ""
    assert bool(seen["streams"]) == (chosen.transport == "sse")
    assert bool(seen["sockets"]) == bool(seen["libraries"]) == (chosen.service is not None)
    assert all(port in url for url in seen["sockets"])
    assert all(f"/vendor/{chosen.transport}." in url for url in seen["libraries"])


def _lives_through_an_outage(chosen: Chosen, seen: dict[str, list[str]], gate: Gate, tabs: tuple[Page, Page]) -> None:
    """Without our server the page says so; without the hosted service it takes the server's stream instead."""
    mend = chosen.breaks()
    gate.open(40)
    for page in tabs:
        if chosen.service is None:
            steps.expect_connection(page, "reconnecting")
        else:
            steps.wait_for_percent(page, 40)
            steps.expect_connection(page, "live")
    assert bool(seen["streams"]) == (chosen.transport != "poll")
    mend()
    for page in tabs:
        steps.wait_for_percent(page, 40)


def _shows_the_end(page: Page) -> None:
    steps.expect_state(page, "succeeded")
    expect(page.locator("#outcome")).to_contain_text("Steps")
    shown = steps.painted(page)
    assert steps.never_falls(shown)
    assert shown[-1] == 100
