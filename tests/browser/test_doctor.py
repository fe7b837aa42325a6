"""The doctor's page in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.integration.nginx import nginx
from tests.integration.test_doctor import stubborn
from tests.stack import Stack


def test_the_browser_times_a_real_stream(live: Stack, member: Page) -> None:
    member.goto(f"{live.url}/doctor/")
    expect(member.locator("[data-finding=flowing]")).to_be_visible()
    expect(member.locator("[data-finding=trying]")).to_be_hidden()
    expect(member.locator("[data-finding][data-verdict=fail]:visible")).to_have_count(0)


@pytest.mark.deploy
def test_the_browser_names_a_proxy_that_holds_events_back(
    live: Stack, member: Page, session: dict[str, str], tmp_path: Path
) -> None:
    with nginx(tmp_path, live.web.port, stubborn(live.web.port)) as url:
        steps.lend_session(member.context, url, session)
        member.goto(f"{url}/doctor/")
        expect(member.locator("[data-finding][data-verdict=fail]:visible")).to_have_count(1)
