"""A file on its way to a job: the bar while it is sent, a file that is too large, and one that was dropped."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from progress_app.events import State
from tasks_app.models import Attachment, Task
from tests.factories import TaskFactory
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


def test_what_is_usual_follows_the_chosen_file(live: Stack, member: Page, tmp_path: Path) -> None:
    now = timezone.now()
    for took_s, size in ((40, 9_000), (41, 10_000), (42, 11_000), (1, 10), (1, 11), (1, 12), (1, 12)):
        times = {"started_at": now - timedelta(seconds=took_s), "finished_at": now}
        task = TaskFactory.create(job="profile_csv", state=State.SUCCEEDED, attempt=1, **times)
        Attachment.objects.create(task=task, field="upload", name="rows.csv", size=size)
    member.goto(f"{live.url}/jobs/profile_csv/")
    usual = member.locator("#usual")
    expect(usual).to_contain_text("depending on the file")
    chosen = tmp_path / "chosen.csv"
    chosen.write_text("a,b\n" + "1,2\n" * 2_500)
    member.get_by_label("CSV or TSV file").set_input_files(chosen)
    expect(usual).to_contain_text("usually 41–42 s")
    expect(usual).to_contain_text("for about 9.8 KB")
    member.get_by_label("CSV or TSV file").set_input_files([])
    expect(usual).to_contain_text("depending on the file")


@pytest.mark.parametrize("size", [(1280, 900), (390, 844)], ids=["desk", "phone"])
def test_the_button_is_in_sight_however_long_the_form(live: Stack, member: Page, size: tuple[int, int]) -> None:
    member.set_viewport_size({"width": size[0], "height": size[1]})
    member.goto(f"{live.url}/jobs/profile_csv/")
    button = member.get_by_role("button", name="Start", exact=True)
    box = button.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= size[1]
    last = member.locator("#job-form .field select").last
    last.focus()
    covered = member.evaluate("document.activeElement.getBoundingClientRect().bottom")
    foot = member.locator("#job-form .form-foot").bounding_box()
    assert foot is not None
    assert covered <= foot["y"], "what has the focus is not under the button"
