"""Who reads German is told everything in German, live too."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.utils import translation
from playwright.sync_api import Browser, Page, expect

from progress_app.events import State
from progress_app.words import translated
from tasks_app import notices
from tests.browser import steps
from tests.factories import TaskFactory
from tests.stack import Stack
from tests.texts import Texts


@pytest.fixture
def german(live: Stack, chromium: Browser, session: dict[str, str]) -> Iterator[Page]:
    """Open a page of a member of staff whose browser asks for German."""
    context = chromium.new_context(locale="de-DE")
    steps.lend_session(context, live.url, session)
    yield context.new_page()
    context.close()


def english(page: Page) -> set[str]:
    """What the page says that has German words."""
    with translation.override("de"):
        return Texts(page.content()).found & translated().keys()


def test_a_notice_is_in_the_language_of_the_page(live: Stack, german: Page, staff: User) -> None:
    with german.expect_response("**/events/?*"):
        german.goto(live.url)
    assert notices.tell(TaskFactory.create(owner=staff, ended=True), State.SUCCEEDED)
    expect(german.locator(".toast")).to_have_text("Probelauf: Erfolgreich")
    german.locator("#news summary").click()
    expect(german.locator("#news-list a")).to_have_text("Probelauf: Erfolgreich")
    expect(german.locator("#news-list time")).not_to_be_empty()
    steps.keep_picture(german, "german-notice", full_page=False)
    assert english(german) == set()


def test_what_a_task_tells_while_one_looks_is_in_german(live: Stack, german: Page) -> None:
    german.goto(f"{live.url}/jobs/rehearsal/")
    german.get_by_label("Schritte").fill("100")
    german.get_by_label("Dauer in Sekunden").fill("3")
    german.get_by_role("button", name="Starten").click()
    german.wait_for_url("**/tasks/*/")
    expect(german.locator("#log")).to_contain_text("Vorbereiten: 10 von 100 Schritten getan", timeout=30_000)
    assert english(german) == set()
    steps.expect_state(german, "succeeded")
    expect(german.locator("#outcome")).to_contain_text("Sekunden", timeout=30_000)
    expect(german.locator("#bar")).to_contain_text("Erfolgreich")
    assert english(german) == set()


ROOM_AND_WIDTH = """(input) => {
  const style = getComputedStyle(input);
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = style.font;
  const room = input.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  return [room, pen.measureText(input.placeholder).width];
}"""


def test_a_phone_shows_the_whole_hint_in_the_search(live: Stack, german: Page) -> None:
    german.set_viewport_size({"width": 360, "height": 700})
    german.goto(f"{live.url}/tasks/")
    room, width = german.locator("#search").evaluate(ROOM_AND_WIDTH)
    steps.keep_picture(german, "german-search-phone", full_page=False)
    assert 0 < width <= room
