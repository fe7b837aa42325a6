"""The doctor's page in a real browser."""

from playwright.sync_api import Page, expect

from tests.stack import Stack


def test_the_browser_times_a_real_stream(live: Stack, member: Page) -> None:
    member.goto(f"{live.url}/doctor/")
    expect(member.locator("[data-finding=flowing]")).to_be_visible()
    expect(member.locator("[data-finding=trying]")).to_be_hidden()
    expect(member.locator("[data-finding]:visible[data-verdict=fail]")).to_have_count(0)
