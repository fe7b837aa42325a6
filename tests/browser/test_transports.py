"""One scenario over every transport: start, watch, reload, a second tab, an outage in the middle, the end."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from config import assets, places, vendor
from tests.browser import steps
from tests.emulators.service import Emulator
from tests.environment import BASE
from tests.stack import Stack, Valkey, start_stack

pytestmark = pytest.mark.long

OURS = ("sse", "poll")
HOSTED = [pytest.param(name, marks=pytest.mark.deploy) for name in ("pusher", "ably")]  # these need npm
EVERY = [*OURS, *HOSTED]


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
    own = start_stack(valkey, transport, service.settings if service else {"PROGRESS_TRANSPORT": transport})
    yield Chosen(transport, service, own)
    own.stop()


@pytest.fixture
def seen(context: BrowserContext) -> dict[str, list[str]]:
    """Note the streams and sockets that the browser opens."""
    noted: dict[str, list[str]] = {"streams": [], "sockets": []}
    context.on("request", lambda request: noted["streams"].append(request.url) if "/events/?" in request.url else None)
    context.on("page", lambda page: page.on("websocket", lambda socket: noted["sockets"].append(socket.url)))
    return noted


@pytest.fixture
def tab(chosen: Chosen, context: BrowserContext, session: dict[str, str]) -> Callable[[], Page]:
    """Open another tab of a member of staff; it notes what the bar shows."""
    steps.lend_session(context, chosen.stack.url, session)
    context.add_init_script(steps.NOTE_WHAT_IS_PAINTED)
    return context.new_page


def test_start_watch_reload_outage_end(chosen: Chosen, seen: dict[str, list[str]], tab: Callable[[], Page]) -> None:
    first, second = tab(), tab()
    usual = "polling" if chosen.transport == "poll" else "live"
    address = steps.start_rehearsal(first, chosen.stack.url, seconds=30)
    steps.expect_connection(first, usual)
    before = steps.wait_for_percent(first, 5)
    first.reload()
    steps.expect_connection(first, usual)
    assert steps.percent(first) >= before
    second.goto(address)
    steps.expect_connection(second, usual)
    _came_as_chosen(chosen, seen)
    _lives_through_an_outage(chosen, seen, first)
    for page in (first, second):
        steps.expect_state(page, "succeeded", within_ms=60_000)
        expect(page.locator("#outcome")).to_contain_text("steps")
        shown = steps.painted(page)
        assert steps.never_falls(shown)
        assert shown[-1] == 100


@pytest.mark.parametrize("transport", HOSTED, indirect=True)
def test_a_list_moves_where_the_service_carries_no_rows(
    chosen: Chosen, seen: dict[str, list[str]], tab: Callable[[], Page]
) -> None:
    task, listing = tab(), tab()
    steps.start_rehearsal(task, chosen.stack.url, seconds=30)
    listing.goto(f"{chosen.stack.url}/tasks/")
    for way in ("polling", "live"):  # beside the other tab's connection to the service, and then by itself
        steps.expect_connection(listing, way)
        assert bool(seen["streams"]) == (way == "live")
        steps.wait_for_percent(listing, steps.percent(listing) + 5)
        task.close()
    listing.context.route("**/events/?*", lambda route: route.abort())
    listing.reload()
    steps.expect_connection(listing, "polling")
    steps.wait_for_percent(listing, steps.percent(listing) + 5)


@pytest.mark.parametrize("transport", HOSTED, indirect=True)
def test_operations_are_on_a_stream_beside_the_service(
    chosen: Chosen, seen: dict[str, list[str]], tab: Callable[[], Page]
) -> None:
    page = tab()
    page.goto(f"{chosen.stack.url}/ops/")
    expect(page.locator("#ops")).to_have_attribute("data-connection", "live", timeout=15_000)
    assert seen["streams"]


def _came_as_chosen(chosen: Chosen, seen: dict[str, list[str]]) -> None:
    """Events came over the chosen way, and over no other."""
    port = str(chosen.service.port) if chosen.service else ""
    assert bool(seen["streams"]) == (chosen.transport == "sse")
    assert bool(seen["sockets"]) == (chosen.service is not None)
    assert all(port in url for url in seen["sockets"])


def _lives_through_an_outage(chosen: Chosen, seen: dict[str, list[str]], page: Page) -> None:
    """Without our server the page says so; without the hosted service it takes the server's stream instead."""
    stood = steps.percent(page)
    mend = chosen.breaks()
    if chosen.service is None:
        steps.expect_connection(page, "reconnecting")
    else:
        steps.wait_for(page, lambda: seen["streams"], "the stream instead of the service")
        steps.expect_connection(page, "live")
        steps.wait_for_percent(page, stood + 1)
    mend()
