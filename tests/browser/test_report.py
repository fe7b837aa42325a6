"""The report about a CSV file, as a browser draws it."""

import pytest
from playwright.sync_api import Page

from tests.browser import steps
from tests.jobs.stub import profiled

NAMES = ["customer", "ordered_at", "amount", "an_endless_name_" * 12]
LINES_OF_NAMES = """() => [...document.querySelectorAll(".wide a")].map((link) => {
  const all = document.createRange();
  all.selectNodeContents(link);
  return new Set([...all.getClientRects()].map((line) => Math.round(line.top))).size;
})"""


@pytest.mark.django_db
def test_a_phone_shows_the_names_of_columns_whole_and_its_page_stands_still(page: Page) -> None:
    days = [f"2026-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29)]
    rows = [[f"c{number}", day, f"{number}.5", "x"] for number, day in enumerate(days)]
    page.set_viewport_size({"width": 320, "height": 700})
    page.set_content(profiled("\n".join(map(",".join, [NAMES, *rows])).encode()).page)
    steps.keep_picture(page, "report-phone")
    *whole, endless = page.evaluate(LINES_OF_NAMES)
    assert whole == [1, 1, 1]
    assert 1 < endless < 20, "it leaves room for its figures"
    assert page.evaluate("document.documentElement.scrollWidth") == 320, "the table scrolls in its own frame"
