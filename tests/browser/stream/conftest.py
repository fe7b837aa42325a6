"""The modules of the stream on a page of their own."""

import pytest
from playwright.sync_api import Page

from tests.browser.lone_page import (
    ORIGIN,
    Answers,
    open_alone,
    serve,
)


@pytest.fixture
def alone(page: Page, answers: Answers) -> Page:
    """Open an empty page with the modules."""
    page.route(f"{ORIGIN}/**", serve)
    open_alone(page, answers)
    return page
