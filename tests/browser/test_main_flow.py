"""From the login to the files: what a person does with a real table."""

import csv
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tasks_app.models import Task
from tests.browser import steps
from tests.gated_jobs import TOTAL, Gate
from tests.stack import Stack

ROWS = 200_000  # enough that a fast machine is seen at work on it


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """Return a table of orders, as a shop would export it."""
    dice = random.Random(7)  # noqa: S311 - made-up orders
    path = tmp_path / "orders.csv"
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["order", "customer", "amount", "paid", "country"])
        for number in range(ROWS):
            amount = f"{dice.uniform(1, 900):.2f}" if number % 50 else ""
            table.writerow([number, f"C{dice.randrange(4000)}", amount, number % 3 == 0, dice.choice("DEFRUS")])
    return path


def test_a_table_is_profiled_before_ones_eyes(live: Stack, page: Page, staff: User, orders: Path) -> None:
    page.add_init_script(steps.NOTE_WHAT_IS_PAINTED)
    steps.log_in(page, live.url, staff)
    page.get_by_role("link", name="CSV").click()
    page.get_by_label("CSV or TSV file").set_input_files(orders)
    with live.worker.service.frozen():  # it begins when one looks
        page.get_by_role("button", name="Start").click()
        page.wait_for_url("**/tasks/*/")
        steps.expect_connection(page, "live")

    steps.expect_state(page, "succeeded", within_ms=60_000)
    shown = steps.painted(page)
    assert len(shown) >= 5, shown
    assert steps.never_falls(shown)
    assert shown[-1] == 100

    result = page.locator("#outcome")
    with page.expect_download() as download:
        result.get_by_role("link", name=".json").click()
    assert str(ROWS) in json.dumps(json.loads(download.value.path().read_text()))
    expect(result.get_by_role("link", name=".html")).to_be_visible()
    expect(page.get_by_role("button", name="Run again")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    steps.keep_picture(page, "task-succeeded")


def test_a_reload_in_the_middle_goes_on(live: Stack, member: Page, gated: Callable[[], Task], gate: Gate) -> None:
    member.goto(f"{live.url}/tasks/{gated().pk}/")
    gate.open(20)
    steps.wait_for_percent(member, 20)
    member.reload()
    steps.expect_connection(member, "live")
    assert steps.percent(member) == 20
    gate.open(TOTAL)
    steps.expect_state(member, "succeeded")
    expect(member.locator(".log-line .log-text")).to_have_text(["at step 20", "at step 100"])


def test_a_second_tab_shows_the_same(live: Stack, member: Page, gated: Callable[[], Task], gate: Gate) -> None:
    address = f"{live.url}/tasks/{gated().pk}/"
    second = member.context.new_page()
    for tab in (member, second):
        tab.goto(address)
        steps.expect_connection(tab, "live")
    gate.open(TOTAL)
    for tab in (member, second):
        steps.expect_state(tab, "succeeded")
        assert steps.percent(tab) == 100
        expect(tab.locator("#outcome")).to_contain_text("Steps")


def test_cancelling_ends_the_task_and_the_page_says_so(live: Stack, member: Page) -> None:
    steps.start_rehearsal(member, live.url, seconds=60)
    steps.wait_for_percent(member, 1)
    member.get_by_role("button", name="Cancel").click()
    steps.expect_state(member, "cancelled")
    expect(member.get_by_role("button", name="Run again")).to_be_visible()


def test_a_failure_is_told_in_one_sentence_and_can_be_repeated(live: Stack, member: Page) -> None:
    failed = steps.start_rehearsal(member, live.url, seconds=1, chance_to_fail=100)
    steps.expect_state(member, "failed")
    expect(member.locator("#outcome")).to_contain_text("failed on purpose")
    steps.keep_picture(member, "task-failed")
    member.get_by_role("button", name="Run again").click()
    member.wait_for_url(lambda url: "/tasks/" in url and url != failed)
    expect(member.get_by_role("link", name="an earlier task")).to_be_visible()


def test_a_form_says_beside_the_field_what_is_wrong(live: Stack, member: Page) -> None:
    member.goto(f"{live.url}/jobs/rehearsal/")
    field = member.get_by_label("Steps")
    field.fill("0")
    member.get_by_role("button", name="Start").click()
    expect(field).to_have_attribute("aria-invalid", "true")
    described = (field.get_attribute("aria-describedby") or "").split()
    texts = " ".join(member.locator(f"#{name}").inner_text() for name in described)
    assert "At least 1 step." in texts
    assert "How many steps" in texts


def test_the_list_is_live_on_one_connection(live: Stack, member: Page, gated: Callable[[], Task], gate: Gate) -> None:
    for _ in range(2):
        gated()
    streams: list[str] = []
    member.on("request", lambda request: streams.append(request.url) if "/events/" in request.url else None)
    member.goto(f"{live.url}/tasks/")
    steps.expect_connection(member, "live")
    gate.open(TOTAL)
    expect(member.locator("progress-bar[data-state=succeeded]")).to_have_count(2)
    assert len(streams) == 1, streams
    assert streams[0].count("channel=") == 2  # that of the rows, and the notices
