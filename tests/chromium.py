"""A real Chromium for a test: `page` is a fresh one, its last picture is kept in var/tests/screenshots.

Function-scoped on purpose: a Playwright that lives longer keeps an event loop in the main thread, which
breaks Django's ORM and every pytest-asyncio test of the session.
"""

import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from config import browser
from tests.environment import ARTEFACTS

SCREENSHOTS = ARTEFACTS / "screenshots"
PATIENCE_MS = 30_000

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture
def chromium(monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    """Start Chromium; the ORM may be used in the test although Playwright's loop runs in this thread."""
    path = browser.find()
    if not path:
        absent = "no Chromium found: set CHROMIUM to one, or install chromium"
        assert os.environ.get("CI", "").lower() != "true", absent
        pytest.skip(absent)
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path)
        yield launched
        launched.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """Open a browser context: cookies and storage of one person."""
    opened = chromium.new_context(viewport={"width": 1200, "height": 900})
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Open a page, and keep a picture of how the test left it."""
    opened = context.new_page()
    yield opened
    if not opened.is_closed():
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        opened.screenshot(path=SCREENSHOTS / f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', request.node.name)}.png")
