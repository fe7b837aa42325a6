"""Two lines in a plain HTML page: across origins by a shared link, on the same site by the task's own address."""

from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Page, Route, expect

from config.places import BASE
from progress_app.events import State
from tasks_app import sharing
from tasks_app.sharing import Scope, link_token
from tests.browser import steps
from tests.browser.pretended import tell
from tests.browser.test_screens import MakeTask, live_task
from tests.documents import Document
from tests.stack import Stack

pytestmark = pytest.mark.long

[LINES] = Document(BASE / "docs" / "widget.md").blocks("html")


def page_with(url: str, address: str) -> str:
    """The two lines of the documentation, for this server and task."""
    lines = LINES.code.replace("https://headway.example.org/shared/TOKEN/", address)
    return f"<!doctype html><title>Wiki</title>{lines.replace('https://headway.example.org', url)}"


class Elsewhere:
    """Another origin with one page."""

    def __init__(self) -> None:
        elsewhere = self
        self.page = ""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(elsewhere.page.encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    other = Elsewhere()
    thread = Thread(target=other.server.serve_forever)
    thread.start()
    yield other
    other.server.shutdown()
    thread.join()
    other.server.server_close()


def test_on_another_origin_a_shared_link_is_followed_to_the_end(
    live: Stack, page: Page, running_task: MakeTask, elsewhere: Elsewhere
) -> None:
    task = live_task(running_task())
    token = link_token(task, scope=Scope.PAGE, days=1)
    elsewhere.page = page_with(live.url, f"{live.url}/shared/{token}/")
    page.goto(elsewhere.url)
    expect(page.locator("[data-part=percent]").first).to_have_text("42%")
    steps.expect_connection(page, "polling")
    assert page.locator(".hp-track").evaluate("(track) => getComputedStyle(track).height") != "auto"
    assert page.locator(".hp-track").evaluate("(track) => getComputedStyle(track).display") == "block"
    steps.keep_picture(page, "embed-elsewhere")
    tell(task, 100.0, State.SUCCEEDED)
    steps.expect_state(page, "succeeded")


def test_the_page_of_a_shared_link_has_the_two_lines_to_copy(
    live: Stack, member: Page, running_task: MakeTask, elsewhere: Elsewhere
) -> None:
    task = live_task(running_task())
    member.goto(f"{live.url}/tasks/{task.pk}/")
    member.get_by_role("button", name="Make a link").click()
    lines = member.get_by_role("textbox", name="In a page of your own").input_value()
    elsewhere.page = f"<!doctype html><title>Wiki</title>{lines}"
    member.goto(elsewhere.url)
    expect(member.locator("[data-part=percent]").first).to_have_text("42%")


def test_a_revoked_link_leaves_what_the_page_itself_says(
    live: Stack, page: Page, running_task: MakeTask, elsewhere: Elsewhere
) -> None:
    task = running_task()
    token = link_token(task, scope=Scope.PAGE, days=1)
    sharing.revoke(task, user=task.owner)
    elsewhere.page = page_with(live.url, f"{live.url}/shared/{token}/")
    page.goto(elsewhere.url)
    expect(page.locator("progress-bar[data-connection]")).to_have_text("no access to this task")


def test_another_origin_gets_nothing_by_the_address_of_a_task(
    live: Stack, member: Page, running_task: MakeTask, elsewhere: Elsewhere
) -> None:
    elsewhere.page = page_with(live.url, f"{live.url}/tasks/{running_task().pk}/widget/?live")
    member.goto(elsewhere.url)
    expect(member.locator("progress-bar[data-connection=offline]")).to_have_text("no access to this task")


def test_on_the_same_site_the_task_s_address_streams(live: Stack, member: Page, running_task: MakeTask) -> None:
    task = live_task(running_task())
    body = page_with(live.url, f"/tasks/{task.pk}/widget/?live")
    member.route(f"{live.url}/plain/", partial(_give, body=body))
    member.goto(f"{live.url}/plain/")
    steps.expect_connection(member, "live")
    tell(task, 100.0, State.SUCCEEDED)
    steps.expect_state(member, "succeeded")


def _give(route: Route, *, body: str) -> None:
    route.fulfill(body=body, content_type="text/html")
