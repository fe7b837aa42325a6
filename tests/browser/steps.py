"""What a person does and sees in the browser tests, in the words of the tests."""

from collections.abc import Callable
from itertools import pairwise
from typing import Final, Literal, get_args
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from playwright.sync_api import BrowserContext, Page, expect

from tests.chromium import SCREENSHOTS
from tests.conftest import PASSWORD
from tests.processes import until

Theme = Literal["light", "dark"]
THEMES: Final[tuple[Theme, ...]] = get_args(Theme)

# Notes each painted value of the bar and each state of the connection, from the page's first moment on.
NOTE_WHAT_IS_PAINTED = """
window.painted = []; window.connections = []; window.dialogs = 0;
window.alert = () => { window.dialogs += 1; };
new MutationObserver((changes) => {
  for (const { target, attributeName } of changes) {
    if (attributeName === "aria-valuenow") window.painted.push(Number(target.getAttribute(attributeName)));
    if (attributeName === "data-connection" && target.dataset.connection !== window.connections.at(-1)) {
      window.connections.push(target.dataset.connection);
    }
  }
}).observe(document, { attributes: true, subtree: true, attributeFilter: ["aria-valuenow", "data-connection"] });
"""


def log_in(page: Page, url: str, user: User) -> None:
    """Log in by the form, as a person does."""
    page.goto(f"{url}/login/")
    page.get_by_label("Username").fill(user.get_username())
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")


def lend_session(context: BrowserContext, url: str, cookies: dict[str, str]) -> None:
    """Let a context go on as somebody who has logged in elsewhere."""
    host = urlsplit(url).hostname or ""
    context.add_cookies(
        [{"name": name, "value": value, "domain": host, "path": "/"} for name, value in cookies.items()]
    )


def start_rehearsal(page: Page, url: str, *, steps: int = 100, seconds: float = 4, chance_to_fail: int = 0) -> str:
    """Start a rehearsal by its form; returns the address of its page, which is open then."""
    page.goto(f"{url}/jobs/rehearsal/")
    page.get_by_label("Steps").fill(str(steps))
    page.get_by_label("Duration in seconds").fill(str(seconds))
    page.get_by_label("Chance to fail").fill(str(chance_to_fail))
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/tasks/*/")
    return page.url


def percent(page: Page) -> int:
    """Return what the bar tells a screen reader, 0 while it tells none."""
    return int(page.get_by_role("progressbar").first.get_attribute("aria-valuenow") or 0)


def wait_for_percent(page: Page, least: int) -> int:
    """Wait until the bar shows at least so much; return what it shows."""
    wait_for(page, lambda: percent(page) >= least, f"{least} %")
    return percent(page)


def wait_for(page: Page, condition: Callable[[], object], what: str, within_s: float = 30) -> None:
    """Wait for a condition of the page; Playwright's events are handled meanwhile."""

    def look() -> object:
        page.evaluate("0")  # one turn of Playwright's loop
        return condition()

    until(look, within_s, what)


def state(page: Page) -> str:
    """Return the state that the bar shows."""
    return page.locator("progress-bar").first.get_attribute("data-state") or ""


def expect_state(page: Page, wanted: str, within_ms: float = 30_000) -> None:
    """Wait until the bar shows this state."""
    expect(page.locator("progress-bar").first).to_have_attribute("data-state", wanted, timeout=within_ms)


def expect_connection(page: Page, wanted: str, within_ms: float = 30_000) -> None:
    """Wait until the bar says that it is connected so."""
    expect(page.locator("progress-bar").first).to_have_attribute("data-connection", wanted, timeout=within_ms)


def painted(page: Page) -> list[int]:
    """Return the different values that the bar has shown, in their order."""
    values: list[int] = page.evaluate("window.painted")
    return [value for index, value in enumerate(values) if index == 0 or value != values[index - 1]]


def never_falls(values: list[int]) -> bool:
    """Whether each value is at least the one before."""
    return all(earlier <= later for earlier, later in pairwise(values))


def keep_picture(page: Page, name: str, *, full_page: bool = True) -> None:
    """Keep a picture of the whole page, or of what the window shows of it, among the test's artefacts."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=full_page)
