"""Every door against the fixed cast, as one table; then what an attacker tries at each."""

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core import signals
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import close_old_connections
from django.test import Client

from progress_app.authorizer import _Handler
from progress_app.events import State
from tasks_app import attachments
from tasks_app.models import Task
from tests.conftest import PASSWORD
from tests.factories import QUICK, TaskFactory
from tests.progress_app.asgi import http_scope

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "redis_db", "inbox")]
CAST = ("owner", "colleague", "staff", "stranger", "inactive", "nobody")
NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def people(owner: User, colleague: User, staff: User, stranger: User) -> dict[str, Client]:
    """Return a browser for each of the cast; the inactive one, staff once, was deactivated while logged in."""
    clients = {name: Client(enforce_csrf_checks=False) for name in CAST}
    gone = User.objects.create_user("gone", is_staff=True, is_superuser=True)
    persons = {"owner": owner, "colleague": colleague, "staff": staff, "stranger": stranger, "inactive": gone}
    for name, person in persons.items():
        clients[name].force_login(person)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    return clients


@pytest.fixture
def ended(owner: User, group: Group) -> Task:
    """Return a task of the owner's, with a file, that the colleague's group may read."""
    task = TaskFactory.create(owner=owner, group=group, ended=True)
    attachments.keep(task, ContentFile(b"secret figures"), "report.csv")
    return task


@dataclass(frozen=True)
class Door:
    """A way in. `expected` has an outcome for each of the cast: a status, or "login" for being sent there."""

    name: str
    path: str
    expected: tuple[int | str, ...]
    method: str = "get"
    data: Any = None

    def tried(self, client: Client, task: object, file: object = 0) -> int | str:
        """What comes of trying it on a task."""
        path = self.path.format(task=task, file=file)
        if self.name.startswith("stream"):
            return stream_status(client, path)
        body = self.data(task) if callable(self.data) else self.data
        sent = {"content_type": "application/json"} if isinstance(body, str) else {}
        response: Any = getattr(client, self.method)(path, body, **sent)
        response.getvalue()  # to its end, which closes a file
        sent_away = response.status_code == 302 and "/login/?" in response["Location"]
        return "login" if sent_away else response.status_code


def stream_status(client: Client, path: str) -> int:
    """What Django answers to the gateway; within the test's transaction, so that the connection must stay."""
    cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    moments = (signals.request_started, signals.request_finished)
    for moment in moments:
        moment.disconnect(close_old_connections)
    try:
        return _Handler().answer(http_scope(path.encode(), [(b"cookie", cookie.encode())])).status
    finally:
        for moment in moments:
            moment.connect(close_old_connections)


def asks_for(channel: str) -> Callable[[object], str]:
    return lambda task: f'{{"channels": ["{channel.format(task=task)}"]}}'


IN = "login"
DOORS = [
    #                                                         owner colleague staff stranger inactive nobody
    Door("catalogue", "/", (200, 200, 200, 200, IN, IN)),
    Door("job form", "/jobs/rehearsal/", (404, 404, 200, 404, IN, IN)),
    Door("start", "/jobs/rehearsal/", (404, 404, 302, 404, IN, IN), "post", QUICK),
    Door("list", "/tasks/?scope=all", (200, 200, 200, 200, IN, IN)),
    Door("many", "/tasks/many/", (302, 302, 302, 302, IN, IN), "post", {"verb": "cancel"}),
    Door("page", "/tasks/{task}/", (200, 200, 200, 404, IN, IN)),
    Door("cancel", "/tasks/{task}/cancel/", (302, 404, 302, 404, IN, IN), "post"),
    Door("retry", "/tasks/{task}/retry/", (302, 404, 302, 404, IN, IN), "post"),
    Door("log", "/tasks/{task}/log/", (200, 200, 200, 404, IN, IN)),
    Door("tell me", "/tasks/{task}/tell-me/", (302, 302, 302, 404, IN, IN), "post"),
    Door("share", "/tasks/{task}/share/", (200, 404, 200, 404, IN, IN), "post", {"days": "7"}),
    Door("revoke", "/tasks/{task}/share/", (302, 404, 302, 404, IN, IN), "post", {"revoke": "1"}),
    Door("file", "/tasks/{task}/files/{file}/report.csv", (200, 200, 200, 404, IN, IN)),
    Door("snapshot", "/tasks/{task}/snapshot/", (200, 200, 200, 404, 404, 404)),
    Door("widget", "/tasks/{task}/widget/", (200, 200, 200, 404, 404, 404)),
    Door("token", "/events/token/", (200, 200, 200, 403, 401, 401), "post", asks_for("task-{task}")),
    Door("token of the log", "/events/token/", (200, 200, 200, 403, 401, 401), "post", asks_for("task-{task}.log")),
    Door("token of all", "/events/token/", (403, 403, 200, 403, 401, 401), "post", asks_for("tasks")),
    Door("stream", "/events/?channel=task-{task}", (200, 200, 200, 403, 401, 401)),
    Door("stream of the log", "/events/?channel=task-{task}.log", (200, 200, 200, 403, 401, 401)),
    Door("stream of all", "/events/?channel=tasks", (403, 403, 200, 403, 401, 401)),
    Door("stream of ops", "/events/?channel=ops", (403, 403, 200, 403, 401, 401)),
    Door("inner door", "/events/authorize/?channel=task-{task}", (404,) * 6),
    Door("admin", "/admin/", (IN, IN, 200, IN, IN, IN)),
    Door("admin's list", "/admin/tasks_app/task/", (IN, IN, 200, IN, IN, IN)),
    Door("admin's page", "/admin/tasks_app/task/{task}/change/", (IN, IN, 200, IN, IN, IN)),
    Door("doctor", "/doctor/", (403, 403, 200, 403, IN, IN)),
    Door("doctor's tick", "/doctor/tick/", (403, 403, 204, 403, IN, IN), "post", {"number": "0"}),
    Door("operations", "/ops/", (404, 404, 200, 404, IN, IN)),
    Door("figures of operations", "/ops/now/", (404, 404, 200, 404, IN, IN)),
    Door("health", "/health/", (200,) * 6),
]
ABOUT_A_TASK = [door for door in DOORS if "{task}" in door.path or door.name.startswith("token")]


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_who_may_pass_which_door(people: dict[str, Client], ended: Task, door: Door) -> None:
    file = ended.attachments.get().pk
    outcomes = tuple(door.tried(people[name], ended.pk, file) for name in CAST)
    assert outcomes == door.expected


@pytest.mark.parametrize("door", ABOUT_A_TASK, ids=lambda door: door.name)
def test_who_may_not_see_a_task_cannot_tell_it_from_none(people: dict[str, Client], ended: Task, door: Door) -> None:
    for name, outcome in zip(CAST, door.expected, strict=True):
        if outcome not in (200, 302):
            assert door.tried(people[name], NOWHERE) == outcome, name


def test_what_a_list_does_not_show_is_nowhere_on_its_page(people: dict[str, Client], ended: Task) -> None:
    for name, client in people.items():
        page = client.get("/tasks/?scope=all").content.decode()
        assert (str(ended.pk) in page) is (name in ("owner", "colleague", "staff")), name


def test_a_refused_verb_changes_nothing(people: dict[str, Client], owner: User, group: Group) -> None:
    waiting = TaskFactory.create(owner=owner, group=group)
    for name in ("colleague", "stranger", "inactive", "nobody"):
        people[name].post(f"/tasks/{waiting.pk}/cancel/")
        people[name].post(f"/tasks/{waiting.pk}/retry/")
        people[name].post("/admin/tasks_app/task/", {"action": "cancel", "_selected_action": [str(waiting.pk)]})
    waiting.refresh_from_db()
    assert waiting.state == State.QUEUED
    assert Task.objects.count() == 1


# Rights that end


def test_who_leaves_the_group_stops_seeing_its_tasks_at_once(
    people: dict[str, Client], ended: Task, colleague: User, group: Group
) -> None:
    colleague.groups.remove(group)
    for door in (door for door in ABOUT_A_TASK if door.expected[1] == 200):
        assert door.tried(people["colleague"], ended.pk) == door.expected[CAST.index("stranger")], door.name


def test_who_is_staff_no_more_sees_and_starts_nothing(people: dict[str, Client], ended: Task, staff: User) -> None:
    User.objects.filter(pk=staff.pk).update(is_staff=False, is_superuser=False)
    for door in DOORS:
        assert door.tried(people["staff"], ended.pk) == door.expected[CAST.index("stranger")], door.name


def test_who_is_deactivated_cannot_log_in(stranger: User) -> None:
    User.objects.filter(pk=stranger.pk).update(is_active=False)
    client = Client()
    assert client.post("/login/", {"username": "stranger", "password": PASSWORD}).status_code == 200
    assert client.get("/tasks/").status_code == 302


def test_a_deleted_owner_s_task_belongs_to_staff_alone(people: dict[str, Client], owner: User) -> None:
    task = TaskFactory.create(owner=owner, ended=True)
    owner.delete()
    assert people["staff"].get(f"/tasks/{task.pk}/").status_code == 200
    for name in ("owner", "stranger", "nobody"):
        assert people[name].get(f"/tasks/{task.pk}/").status_code in (302, 404), name


# Methods

NO_PAGES = ("admin", "stream", "inner door")
PAGES = [door for door in DOORS if door.method == "get" and not door.name.startswith(NO_PAGES)]


@pytest.mark.parametrize("door", PAGES, ids=lambda door: door.name)
def test_head_is_a_get_without_a_body_and_other_methods_are_refused(
    people: dict[str, Client], ended: Task, door: Door
) -> None:
    path = door.path.format(task=ended.pk, file=ended.attachments.get().pk)
    head: Any = people["staff"].head(path)
    assert (head.status_code, head.getvalue()) == (200, b"")
    refused = {"put", "delete", "patch", "options", "trace"}
    assert {getattr(people["staff"], method)(path).status_code for method in refused} == {405}


@pytest.mark.parametrize("door", [door for door in DOORS if door.method == "post"], ids=lambda door: door.name)
def test_a_post_of_another_site_is_refused(staff: User, ended: Task, door: Door) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff)
    assert door.tried(client, ended.pk) == 403
    assert Task.objects.count() == 1


# Login


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example/", "/\\evil.example/", "\\\\evil.example", "javascript:alert(1)",
     "https:evil.example", "http:///evil.example", " //evil.example", "/\t/evil.example", "\t//evil.example",
     "///evil.example", "//127.0.0.1@evil.example", "https://testserver.evil.example/"],
)  # fmt: skip
def test_login_sends_nobody_to_another_site(stranger: User, target: str) -> None:
    fields = {"username": "stranger", "password": PASSWORD, "next": target}
    fresh, known = Client(), Client()
    known.force_login(stranger)
    answers = [fresh.post("/login/", fields), known.get("/login/", {"next": target})]
    assert {(answer.status_code, answer["Location"]) for answer in answers} == {(302, "/")}


def test_login_goes_on_to_where_one_was_going(stranger: User) -> None:
    client = Client()
    away = client.get("/tasks/?scope=all")["Location"]
    answer = client.post(away, {"username": "stranger", "password": PASSWORD})
    assert answer["Location"] == "/tasks/?scope=all"


def test_login_says_the_same_whoever_is_unknown(stranger: User) -> None:
    pages = []
    for name in ("stranger", "no such person", "a\0b", "x" * 10_000, "<script>"):
        answer = Client().post("/login/", {"username": name, "password": "wrong"})
        assert answer.status_code == 200
        pages.append(answer.content.decode())
    assert "<script>" not in pages[-1].replace("<script type", "")
    assert all("correct username and password" in page for page in pages[:2])


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(stranger: User) -> None:
    client = Client()
    client.post("/login/", {"username": "stranger", "password": PASSWORD})
    cookie = client.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_logging_out_is_a_post_and_ends_the_session(people: dict[str, Client], ended: Task) -> None:
    client = people["owner"]
    assert client.get("/logout/").status_code == 405
    stolen = Client()
    stolen.cookies["sessionid"] = client.cookies["sessionid"].value
    client.post("/logout/")
    assert stolen.get(f"/tasks/{ended.pk}/").status_code == 302


# Garbage


@pytest.mark.parametrize(
    "path",
    [
        "/tasks/{task}/files/{file}/..%2F..%2Fetc%2Fpasswd",
        "/tasks/{task}/files/{file}/report.csv%00",
        "/tasks/{task}/files/{file}/%00",
        "/tasks/{task}/files/{file}/report.csv%0D%0ASet-Cookie:%20a=b",
        "/tasks/{task}/files/{file}/../../../../etc/passwd",
        "/tasks/{task}/files/99999999999999999999999999/report.csv",
        "/tasks/{task}/files/-1/report.csv",
        "/tasks/not-a-uuid/",
        "/tasks/%00/",
        "/tasks/{task}%0A/",
        "/jobs/%00/",
        "/jobs/..%2Fadmin/",
        "/jobs/" + "x" * 5_000 + "/",
    ],
)
def test_a_path_that_leads_nowhere_is_404(people: dict[str, Client], ended: Task, path: str) -> None:
    where = path.format(task=ended.pk, file=ended.attachments.get().pk)
    assert people["staff"].get(where).status_code == 404


@pytest.mark.parametrize("page", ["0", "-1", "9" * 30, "9" * 5_000, "1e9", "NaN", "%00", "٣", "last", "", "1&page=2"])
@pytest.mark.parametrize("scope", ["all", "mine", "%00", "<script>"])
def test_any_page_number_shows_a_page(people: dict[str, Client], ended: Task, page: str, scope: str) -> None:
    response = people["staff"].get(f"/tasks/?scope={scope}&page={page}")
    assert response.status_code == 200
    assert b"<script>" not in response.content


@pytest.mark.parametrize(
    "values",
    [
        {"steps": "1\0"},
        {"steps": "9" * 5_000},
        {"seconds": "nan"},
        {"seconds": "inf"},
        {"seconds": "1e999"},
        {"stages": "-1"},
        {"fail_chance": "<script>alert(1)</script>"},
        {"steps": ["", "x"]},
    ],
    ids=str,
)
def test_values_that_do_not_fit_start_nothing(people: dict[str, Client], values: dict[str, Any]) -> None:
    response = people["staff"].post("/jobs/rehearsal/", QUICK | values)
    assert response.status_code == 422
    assert b"<script>alert" not in response.content
    assert not Task.objects.exists()


def test_what_fits_twice_or_oddly_is_kept_as_the_job_will_read_it(people: dict[str, Client]) -> None:
    odd = {"steps": ["7", "4"], "known_total": "a\0b", "unknown": "x", "owner": "1", "state": "succeeded"}
    assert people["staff"].post("/jobs/rehearsal/", QUICK | odd).status_code == 302
    task = Task.objects.get()
    assert task.params == {"steps": "4", "seconds": "0", "stages": "1", "known_total": True, "fail_chance": "0"}
    assert (task.state, task.owner) == (State.QUEUED, User.objects.get(username="staff"))


def upload(client: Client, name: str = "a.csv", content: bytes = b"a,b\n1,2\n") -> Any:
    return client.post("/jobs/profile_csv/", {"upload": SimpleUploadedFile(name, content), "header": "yes"})


def stored_files(settings: Any) -> list[str]:
    return sorted(str(path.relative_to(settings.MEDIA_ROOT)) for path in settings.MEDIA_ROOT.rglob("*.csv"))


def test_a_file_over_the_limit_is_refused_with_both_sizes_and_leaves_nothing(
    people: dict[str, Client], settings: Any, tmp_path: Any
) -> None:
    settings.MEDIA_ROOT, settings.TASKS_UPLOAD_LIMIT_BYTES = tmp_path, 1_000
    response = upload(people["staff"], content=b"x" * 2_000)
    page = response.content.decode().replace("\xa0", " ")
    assert response.status_code == 422
    assert "2.0 KB" in page
    assert "1000 bytes" in page
    assert (stored_files(settings), Task.objects.count()) == ([], 0)


def test_who_may_not_start_a_job_leaves_no_file(people: dict[str, Client], settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    outcomes = [upload(people[name]).status_code for name in ("owner", "stranger", "inactive", "nobody")]
    assert outcomes == [404, 404, 302, 302]
    assert stored_files(settings) == []


@pytest.mark.parametrize(
    "name", ["../../evil.csv", "/etc/evil.csv", "a\\..\\evil.csv", "a\0b.csv", ".evil.csv", "x" * 300 + ".csv"]
)
def test_an_upload_lies_in_its_task_s_folder_whatever_it_is_called(
    people: dict[str, Client], settings: Any, tmp_path: Any, name: str
) -> None:
    settings.MEDIA_ROOT = tmp_path
    assert upload(people["staff"], name).status_code == 302
    [path] = stored_files(settings)
    assert path.startswith(f"tasks/{Task.objects.get().pk}/")


# Every answer


@pytest.mark.parametrize("path", ["/", "/tasks/", "/login/", "/tasks/nowhere/", f"/tasks/{NOWHERE}/"])
def test_every_page_carries_the_policy(people: dict[str, Client], path: str) -> None:
    for client in (people["staff"], people["nobody"]):
        response = client.get(path)
        assert "script-src 'self'" in response["Content-Security-Policy"]
        assert "unsafe-inline" not in response["Content-Security-Policy"]
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["X-Frame-Options"] == "SAMEORIGIN"
        assert response["Referrer-Policy"] == "same-origin"


def test_a_foreign_host_name_is_refused(people: dict[str, Client]) -> None:
    assert people["staff"].get("/tasks/", headers={"host": "evil.example"}).status_code == 400


def test_no_line_of_the_log_is_forged_by_a_path(people: dict[str, Client], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        for path in ("/x%0AERROR%20forged", "/tasks/%0D%0Aforged/", "/jobs/a%E2%80%A8forged/"):
            people["staff"].get(path)
            people["staff"].post(path)
    lines = [record.getMessage() for record in caplog.records]
    assert any("forged" in line for line in lines)
    assert not [line for line in lines if len(line.splitlines()) > 1]


def test_an_id_cannot_be_guessed_from_another() -> None:
    made = {TaskFactory.create().pk for _ in range(3)}
    assert {pk.version for pk in made} == {4}
    assert uuid.UUID(NOWHERE) not in made
