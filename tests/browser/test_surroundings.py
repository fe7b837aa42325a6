"""The screens wherever people have them: from 320 px to 4K, in forced colours and with more contrast."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import steps
from tests.browser.axe import faults
from tests.browser.test_screens import MakeTask, live_task, pages
from tests.stack import Stack

__all__ = ["pages"]  # the fixture

pytestmark = pytest.mark.long

WIDTHS_PX = (320, 1920, 2560, 3840)
Open = Callable[..., Page]


@pytest.fixture
def open_with(live: Stack, chromium: Browser, session: dict[str, str]) -> Iterator[Open]:
    """Give a function that opens a page in surroundings of its own."""
    contexts: list[BrowserContext] = []

    def make(**surroundings: Any) -> Page:
        contexts.append(chromium.new_context(reduced_motion="reduce", **surroundings))
        steps.lend_session(contexts[-1], live.url, session)
        return contexts[-1].new_page()

    yield make
    for context in contexts:
        context.close()


@pytest.mark.parametrize("width_px", WIDTHS_PX)
def test_every_page_fits_from_a_small_phone_to_4k(
    live: Stack,
    open_with: Open,
    pages: dict[str, str],
    width_px: int,
) -> None:
    page = open_with(viewport={"width": width_px, "height": max(600, width_px * 9 // 16)})
    for name, path in pages.items():
        page.goto(live.url + path)
        steps.keep_picture(page, f"wide-{name}-{width_px}")
        left, right, room = page.evaluate(EDGES)
        assert room <= width_px, (name, "scrolls sideways")
        assert abs(left - (width_px - right)) <= 16, (name, "stands in the middle")
        assert page.evaluate(BURST_TABLES) == 0, (name, "a table leaves its panel")
        assert page.evaluate(LINE_LENGTH) <= 110, (name, "lines too long to read")


EDGES = """() => {
  const { left, right } = document.querySelector("main").getBoundingClientRect();
  return [left, right, document.documentElement.scrollWidth];
}"""
# Of running text, in characters of its own font.
BURST_TABLES = """() => [...document.querySelectorAll("main .panel table")].filter((table) => {
  const [inner, outer] = [table, table.closest(".panel")].map((part) => part.getBoundingClientRect().right);
  return inner > outer;
}).length"""
LINE_LENGTH = """() => Math.max(0, ...[...document.querySelectorAll("main p:not(.row-who, .hp-facts)")].map((text) =>
  text.textContent.trim().length > 110 ? text.clientWidth / (0.5 * parseFloat(getComputedStyle(text).fontSize)) : 0))"""


def test_in_forced_colours_the_bar_and_the_states_are_still_seen(
    live: Stack, open_with: Open, running_task: MakeTask
) -> None:
    task = live_task(running_task())
    page = open_with(forced_colors="active")
    page.goto(f"{live.url}/tasks/{task.pk}/")
    steps.expect_connection(page, "live")
    steps.keep_picture(page, "forced-colours")
    fill, track = page.evaluate(COLOURS)
    assert fill != track
    expect(page.locator("#bar [data-part=state]")).to_have_text("Running")
    # The system's colours are the reader's own choice: axe measures others against each other.
    assert [fault for fault in faults(page) if not fault.startswith("color-contrast")] == []


COLOURS = """() => {
  const bar = document.querySelector("#bar progress-bar");
  const fill = getComputedStyle(bar.querySelector("[data-part=fill]")).fill;
  return [fill, getComputedStyle(bar.querySelector("[data-part=bar]")).backgroundColor];
}"""


def test_who_asks_for_more_contrast_gets_it(live: Stack, open_with: Open, running_task: MakeTask) -> None:
    live_task(running_task())
    muted = []
    for contrast in ("no-preference", "more"):
        page = open_with(contrast=contrast)
        page.goto(f"{live.url}/tasks/?scope=all")
        muted.append(page.evaluate(MUTED_AND_LINE))
    assert muted[0] != muted[1]
    assert faults(page) == []


MUTED_AND_LINE = """() => {
  const { color } = getComputedStyle(document.querySelector(".row-who"));
  return [color, getComputedStyle(document.documentElement).getPropertyValue("--line")];
}"""
