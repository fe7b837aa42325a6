"""Links for people without an account: what they open, for how long, and that nothing else is readable."""

import re
import time
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone

from progress_app.events import State
from tasks_app import attachments, audit, sharing
from tasks_app.models import Attachment, AuditEntry, Task
from tasks_app.sharing import DAY_S, Scope, link_token
from tasks_app.views.link import MOST_A_MINUTE
from tests.factories import TaskFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "redis_db")]


@pytest.fixture
def task() -> Task:
    return TaskFactory.create(
        ended=True, state=State.FAILED, percent=42.0, message="Loading", error_code="x", error_text="It broke.",
        traceback="line 7", result={"secret": "salary"}, log=[{"level": "info", "text": "logged", "ts": 1.0}],
        params={"steps": "12345"},
    )  # fmt: skip


def page_of(task: Task, days: int = 7) -> str:
    return f"/shared/{link_token(task, scope=Scope.PAGE, days=days)}/"


def test_a_link_shows_the_bar_and_nothing_else(client: Client, task: Task) -> None:
    page = client.get(page_of(task))
    assert page.status_code == 200
    text = page.content.decode()
    assert "It broke." in text
    assert "Headway" in re.sub(r"<title>.*?</title>|<[^>]*>", "", text, flags=re.DOTALL)  # whose page it is
    for hidden in ("line 7", "salary", "logged", "12345", str(task.owner), "Log out", task.title):
        assert hidden not in text, hidden
    assert page["Cache-Control"] == "private, no-store"
    assert page["Referrer-Policy"] == "no-referrer"


def test_a_link_is_no_key_to_the_task_s_own_pages(client: Client, task: Task) -> None:
    client.get(page_of(task))
    assert client.get(f"/tasks/{task.pk}/").status_code == 302
    assert client.get(f"/tasks/{task.pk}/snapshot/").status_code == 404


def test_the_snapshot_behind_the_page_costs_a_304_when_nothing_is_new(client: Client, task: Task) -> None:
    url = page_of(task) + "snapshot/"
    first = client.get(url)
    assert first.json()["percent"] == 42
    assert client.get(url, headers={"If-None-Match": first["ETag"]}).status_code == 304


def test_a_link_ends(client: Client, task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    url, now = page_of(task, days=1), time.time()
    monkeypatch.setattr("tasks_app.sharing.time.time", lambda: now + DAY_S - 5)
    assert client.get(url).status_code == 200
    monkeypatch.setattr("tasks_app.sharing.time.time", lambda: now + DAY_S + 5)
    assert client.get(url).status_code == 404


def test_revoking_kills_every_link_and_new_ones_work(client: Client, task: Task) -> None:
    old = [page_of(task), page_of(task, days=30)]
    sharing.revoke(task, user=None)
    assert [client.get(url).status_code for url in old] == [404, 404]
    assert client.get(page_of(task)).status_code == 200


def test_a_link_opens_its_own_scope_and_task_alone(client: Client, task: Task) -> None:
    badge = link_token(task, scope=Scope.BADGE, days=7)
    assert client.get(f"/shared/{badge}/badge.svg").status_code == 200
    assert client.get(f"/shared/{badge}/").status_code == 404
    assert client.get(f"/shared/{badge}/snapshot/").status_code == 404
    forged = badge[:-2] + ("AA" if badge[-2:] != "AA" else "BB")
    assert client.get(f"/shared/{forged}/badge.svg").status_code == 404
    assert client.get("/shared/nonsense/").status_code == 404


def test_a_badge_is_a_picture_that_proxies_keep_for_seconds(client: Client, task: Task) -> None:
    task.job = "<script>alert(1)</script>"
    task.save()
    response = client.get(f"/shared/{link_token(task, scope=Scope.BADGE, days=7)}/badge.svg")
    assert response["Content-Type"] == "image/svg+xml"
    assert response["Cache-Control"] == "public, max-age=60"
    assert b"<script" not in response.content
    assert b"Failed" in response.content


def test_a_link_that_is_asked_too_often_is_put_off(client: Client, task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks_app.views.link.MOST_A_MINUTE", 3)
    url = page_of(task)
    answers = [client.get(url) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1]["Retry-After"] == "60"
    assert MOST_A_MINUTE > 60


def test_only_who_controls_a_task_shares_it(owner: User, stranger: User, colleague: User) -> None:
    task = TaskFactory.create(owner=owner, group=owner.groups.get())
    for user, status in ((owner, 200), (colleague, 404), (stranger, 404)):
        client = Client()
        client.force_login(user)
        assert client.post(f"/tasks/{task.pk}/share/", {"days": "7"}).status_code == status
    client = Client()
    client.force_login(owner)
    assert b"/shared/" in client.post(f"/tasks/{task.pk}/share/", {"days": "7"}).content
    assert client.post(f"/tasks/{task.pk}/share/", {"days": "9999"}).status_code == 302
    client.post(f"/tasks/{task.pk}/share/", {"revoke": "1"})
    task.refresh_from_db()
    assert task.share_serial == 1


@pytest.fixture
def made(task: Task) -> Attachment:
    """A file that the task made, beside one that it was given."""
    attachments.keep(task, ContentFile(b"given"), "orders.csv", field="upload")
    return attachments.keep(task, ContentFile(b"made"), "report.html")


def shared_file(task: Task, file: Attachment, scope: Scope) -> str:
    return f"/shared/{link_token(task, scope=scope, days=7)}/files/{file.pk}/{file.name}"


def test_a_link_with_the_result_shows_it_and_still_nothing_else(client: Client, task: Task, made: Attachment) -> None:
    address = f"/shared/{link_token(task, scope=Scope.RESULT, days=7)}/"
    page = client.get(address)
    text = page.content.decode()
    for shown in (task.title, "orders.csv", "report.html", "salary", f"{address}files/{made.pk}/report.html"):
        assert shown in text, shown
    for hidden in ("line 7", "logged", "12345", str(task.owner), "Log out", f"/tasks/{task.pk}/"):
        assert hidden not in text, hidden
    assert (page["Cache-Control"], page["X-Robots-Tag"]) == ("private, no-store", "noindex")
    assert client.get(f"{address}badge.svg").status_code == 200


def test_its_files_are_downloaded_with_that_scope_alone_and_those_given_never(
    client: Client, task: Task, made: Attachment, settings: Any
) -> None:
    answer = client.get(shared_file(task, made, Scope.RESULT))
    assert (answer.status_code, b"".join(answer)) == (200, b"made")
    assert answer["Content-Disposition"].startswith("attachment;")
    headers = [answer[name] for name in ("Cache-Control", "X-Robots-Tag", "X-Content-Type-Options", "Referrer-Policy")]
    assert headers == ["private, no-store", "noindex", "nosniff", "no-referrer"]
    for scope in (Scope.PAGE, Scope.BADGE):
        assert client.get(shared_file(task, made, scope)).status_code == 404
    given = task.attachments.get(field="upload")
    other = attachments.keep(TaskFactory.create(), ContentFile(b"theirs"), "theirs.csv")
    for file in (given, other):
        assert client.get(shared_file(task, file, Scope.RESULT)).status_code == 404
    address = shared_file(task, made, Scope.RESULT)
    assert client.get(address.replace("report.html", "else.html")).status_code == 404
    sharing.revoke(task, user=None)
    assert client.get(address).status_code == 404


def test_who_shares_chooses_whether_the_result_is_shown_and_the_audit_and_the_panel_say_so(owner: User) -> None:
    task = TaskFactory.create(owner=owner, ended=True, result={"secret": "salary"})
    client = Client()
    client.force_login(owner)
    assert b"Revoke" not in client.get(task.get_absolute_url()).content
    plain = client.post(f"/tasks/{task.pk}/share/", {"days": "1"})
    whole = client.post(f"/tasks/{task.pk}/share/", {"days": "30", "result": "1"})
    assert b"and nothing else" in plain.content
    assert b"sees the bar and the result for 30 days" in whole.content
    pages = [client.get(f"/shared/{answer.context['tokens']['page']}/").content for answer in (plain, whole)]
    assert [b"salary" in page for page in pages] == [False, True]
    assert [deed.verb for deed in audit.trail(task)] == ["started", "shared", "shared_result"]
    page = client.get(task.get_absolute_url()).content.decode()
    for part in ("The bar, until", "The bar and the result, until", "Revoke all links"):
        assert part in page
    AuditEntry.objects.filter(verb="shared").update(at=timezone.now() - timedelta(days=2))
    assert [link.has_result for link in sharing.given_out(audit.trail(task))] == [True]
    client.post(f"/tasks/{task.pk}/share/", {"revoke": "1"})
    assert sharing.given_out(audit.trail(task)) == []


def test_a_link_that_is_over_revoked_or_unknown_says_the_same_and_leads_nowhere(client: Client, task: Task) -> None:
    with pytest.MonkeyPatch.context() as patch:
        long_ago = time.time() - 2 * DAY_S
        patch.setattr("tasks_app.sharing.time.time", lambda: long_ago)
        over = page_of(task, days=1)
    revoked = page_of(task)
    sharing.revoke(task, user=None)
    answers = [client.get(address) for address in (over, revoked, "/shared/nonsense/")]
    assert {answer.status_code for answer in answers} == {404}
    [body] = {answer.content for answer in answers}
    assert b"withdrawn or has expired" in body
    assert b"<a " not in body
    assert answers[0]["Cache-Control"] == "private, no-store"
