"""A file on its way to a job: the bar while it is sent, a file that is too large, and one that was dropped."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tasks_app.models import Task
from tests.stack import Stack

pytestmark = pytest.mark.long


def test_the_bar_shows_how_much_of_a_file_has_gone(live: Stack, member: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    large.write_text("a,b\n" + "1,2\n" * 300_000)
    network = member.context.new_cdp_session(member)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 200_000}
    member.goto(f"{live.url}/jobs/profile_csv/")
    member.get_by_label("CSV or TSV file").set_input_files(large)
    network.send("Network.emulateNetworkConditions", slow)
    bar = member.locator("[data-upload]")
    member.get_by_role("button", name="Start").click(no_wait_after=True)
    expect(bar).to_be_visible()
    expect(bar.locator("label")).to_contain_text("Sending")
    expect(member.get_by_role("button", name="Start")).to_be_disabled()
    member.wait_for_function("document.getElementById('upload-bar').value > 0")
    network.send("Network.emulateNetworkConditions", slow | {"uploadThroughput": -1})
    member.wait_for_url("**/tasks/*/")
    assert Task.objects.get().attachments.get(field="upload").size == large.stat().st_size


def test_a_file_over_the_limit_is_refused_before_it_is_sent(live: Stack, member: Page, tmp_path: Path) -> None:
    small = tmp_path / "small.csv"
    small.write_text("a,b\n1,2\n")
    member.goto(f"{live.url}/jobs/profile_csv/")
    member.evaluate("document.getElementById('job-form').dataset.mostBytes = 4")
    sent: list[str] = []
    member.on("request", lambda request: sent.append(request.method))
    member.get_by_label("CSV or TSV file").set_input_files(small)
    member.get_by_role("button", name="Start").click()
    expect(member.locator(".errorlist")).to_contain_text("at most 100.0")
    assert "POST" not in sent
    member.evaluate("document.getElementById('job-form').dataset.mostBytes = 4_000")
    member.get_by_role("button", name="Start").click()
    member.wait_for_url("**/tasks/*/")


def test_a_file_that_was_dropped_is_what_the_job_gets(live: Stack, member: Page) -> None:
    member.goto(f"{live.url}/jobs/profile_csv/")
    dropped = member.evaluate_handle("""() => {
        const data = new DataTransfer();
        data.items.add(new File(["a,b\\n1,2\\n"], "dropped.csv", { type: "text/csv" }));
        return data;
    }""")
    member.locator("[data-drop]").dispatch_event("drop", {"dataTransfer": dropped})
    member.get_by_role("button", name="Start").click()
    member.wait_for_url("**/tasks/*/")
    assert Task.objects.get().attachments.get(field="upload").name == "dropped.csv"
