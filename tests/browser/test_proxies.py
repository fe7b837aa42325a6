"""A real nginx on the way that holds events back: the page polls, and streams again once the proxy lets it."""

import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page

from progress_app.events import State
from tasks_app.models import Task
from tests.browser import steps
from tests.browser.pretended import end, tell
from tests.environment import free_port
from tests.processes import Service
from tests.stack import Stack

pytestmark = pytest.mark.deploy

MakeTask = Callable[..., Task]
# Gzip gathers before it gives; the two headers by which our server forbids that are taken away.
BUFFERING = "gzip on; gzip_types *; gzip_min_length 0; proxy_hide_header Content-Encoding;"
CONFIGURATION = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port};
    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
    proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;
    location / {{ proxy_pass {upstream}; }}
    location /events/ {{ proxy_pass {upstream}; {more} }}
  }}
}}
"""


class Proxy:
    """An nginx before the live server."""

    def __init__(self, upstream: str, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._upstream, self._folder = upstream, folder
        path = folder / "nginx.conf"
        self.service = Service("nginx", [_nginx(), "-c", str(path), "-p", str(folder)])

    def start(self, more: str) -> None:
        text = CONFIGURATION.format(folder=self._folder, port=self.port, upstream=self._upstream, more=more)
        (self._folder / "nginx.conf").write_text(text)
        self.service.start(self._answers)

    def restart(self, more: str) -> None:
        self.service.stop(signal.SIGTERM)
        self.start(more)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/", timeout=5).status_code < httpx.codes.INTERNAL_SERVER_ERROR
        except httpx.HTTPError:
            return False


def _nginx() -> str:
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    assert found, "no nginx found: apt-get install nginx"
    return found


@pytest.fixture
def proxy(live: Stack, tmp_path: Path) -> Iterator[Proxy]:
    """Put an nginx before the live server; a test starts it."""
    made = Proxy(live.url, tmp_path)
    yield made
    made.service.stop()


@pytest.fixture
def behind(proxy: Proxy, session: dict[str, str], context: BrowserContext, page: Page) -> Page:
    """Open a page of a member of staff who comes through the proxy."""
    steps.lend_session(context, proxy.url, session)
    page.add_init_script(steps.NOTE_WHAT_IS_PAINTED)
    return page


def test_a_proxy_that_buffers_does_not_hold_our_stream(proxy: Proxy, behind: Page, running_task: MakeTask) -> None:
    proxy.start("gzip on; gzip_types *;")
    behind.goto(f"{proxy.url}/tasks/{(task := running_task()).pk}/")
    steps.expect_connection(behind, "live")
    for percent in (10, 20):
        tell(task, percent)
        steps.wait_for_percent(behind, percent)
    end(task, State.SUCCEEDED)
    steps.expect_state(behind, "succeeded")
    assert "polling" not in behind.evaluate("window.connections")


def test_a_proxy_that_holds_the_stream_back_means_polling_until_it_does_not(
    proxy: Proxy, behind: Page, running_task: MakeTask
) -> None:
    proxy.start(BUFFERING)
    behind.goto(f"{proxy.url}/tasks/{(task := running_task()).pk}/")
    steps.expect_connection(behind, "polling")
    for percent in (10, 20):
        tell(task, percent)
        steps.wait_for_percent(behind, percent)
    assert "live" not in behind.evaluate("window.connections")
    proxy.restart("")
    steps.expect_connection(behind, "live", within_ms=90_000)
    assert steps.never_falls(steps.painted(behind))
