"""What somebody without an account sees by a link: the result comes by itself, and can be taken home."""

from collections.abc import Callable

from django.core.files.base import ContentFile
from django.utils import timezone
from playwright.sync_api import Page, expect

from progress_app import connections
from progress_app.events import Snapshot, State
from tasks_app import attachments
from tasks_app.models import Task
from tasks_app.sharing import Scope, link_token
from tests.stack import Stack


def test_the_result_of_a_shared_task_appears_at_its_end(
    live: Stack, page: Page, running_task: Callable[..., Task]
) -> None:
    task = running_task()
    attachments.keep(task, ContentFile(b"id\n1\n"), "orders.csv", field="upload")
    page.goto(f"{live.url}/shared/{link_token(task, scope=Scope.RESULT, days=1)}/")
    expect(page.get_by_text("The result will stand here.")).to_be_visible()
    expect(page.get_by_text("orders.csv")).to_be_visible()
    attachments.keep(task, ContentFile(b"made"), "report.html")
    connections.backend().publish(Snapshot(task=str(task.pk), attempt=1, state=State.SUCCEEDED, percent=100))
    Task.objects.filter(pk=task.pk).update(state=State.SUCCEEDED, result={"rows": 60_000}, finished_at=timezone.now())
    expect(page.get_by_text("60,000")).to_be_visible()
    with page.expect_download() as taken:
        page.get_by_role("link", name="report.html").click()
    assert taken.value.path().read_bytes() == b"made"
