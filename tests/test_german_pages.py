"""Every page in German has no text in common with the same pages in English, but for names."""

import io
import re
import zipfile
from collections import defaultdict
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import translation
from django.views.defaults import server_error
from django_celery_beat.models import CrontabSchedule, PeriodicTask
from PIL import Image

from progress_app import connections
from progress_app.events import Snapshot, StageProgress, StageRef, StageState, State
from tasks_app import doctor, outbox, registry, runner, sharing
from tasks_app.models import Task
from tasks_app.outcome import UNEXPECTED
from tasks_app.recovery import FORGOTTEN, VANISHED
from tasks_app.schedule import START, Schedule, arguments
from tests.factories import QUICK, TaskFactory
from tests.texts import Texts

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("static_files", "redis_db")]

NAMES = {
    *("Headway", "English", "Deutsch", "CSV", "JSON", "JPEG", "PNG", "WEBP", "UTF-8", "UTF-16", "Mac Roman"),
    *("staff", "nobody-de", "default", "long", "urgent", "word", "job:none", "column_3", "column_6", "Nightly"),
    *("rehearsal", "profile_csv", "make_thumbnails", "export_tasks", "prune_tasks", "change_tasks"),
    *("message_lost", "not_a_zip", "not_csv", "rehearsal_failed", "unexpected", "worker_lost"),
    *("application/json", "application/zip", "text/csv", "text/html", "tasks_app.start_scheduled"),
}
THE_SAME = {"Esc", "Filter", "Format", "Median", "Name", "Traceback", "Worker", "optional"}
OF_OTHERS = {  # in the admin: texts of Django and django-celery-beat that have no German words there
    *("Search", "True", "False", "At 03:17 AM UTC", "Crontab", "Crontabs", "Human readable", "Scheduler"),
    "17 3 * * * (m/h/dM/MY/d) UTC",
    "Start",  # what Django calls its admin's first page in German; in English it is a button of ours
}
DATA = re.compile(
    r"""[0-9a-f]{8,}                                  # ids
    | (\d{4}-\d\d-\d\d\ )?\d\d:\d\d(:\d\d)?\ UTC
    | cp\d+                                          # an encoding, guessed
    | web\ 127\.0\.0\.1
    | \S+:\d+ | \S+@\S+ | \d+\ ms                    # processes that are there for other tests, and their delay
    | (q|q-profile|q-thumbnails|report|tasks|thumbnails)\.(csv|zip|html|json)
    | [\[{].*                                         # JSON, of a record""",
    re.VERBOSE,
)


def csv() -> SimpleUploadedFile:
    """A file with all that is worth a warning, in an encoding that must be guessed."""
    rows = "".join(f"{number},Ä{number},2026-01-{number + 10},{number / 2},1\n" for number in range(9))
    return SimpleUploadedFile("q.csv", f"a,a,,d,e\n{rows}1\n\n1,2,3,4,5,6\n".encode("cp1252"))


def archive() -> SimpleUploadedFile:
    """A file with an image and what is refused."""
    image, out = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (99, 99)).save(image, "PNG")
    with zipfile.ZipFile(out, "w") as files:
        files.writestr("1.png", image.getvalue())
        files.writestr("../2.png", b"")
        files.writestr("3.png", b"3")
    return SimpleUploadedFile("q.zip", out.getvalue())


class Visit:
    """One reader's way through everything, in their language."""

    def __init__(self, language: str, person: User) -> None:
        self.person = person
        self.language = language
        self.client = Client(headers={"Accept-Language": language}, raise_request_exception=False)
        self.client.force_login(person)
        self.texts = defaultdict[str, set[str]](set)  # each with where it was seen

    def see(self, path: str, data: Any = None, status: int = 200, client: Client | None = None) -> None:
        """Open a page, or send it a form, and read what it says."""
        asked = client or self.client
        response: Any = asked.get(path) if data is None else asked.post(path, data)
        assert response.status_code == status, (path, response.status_code)
        self.read(path, response.content.decode())

    def read(self, where: str, page: str) -> None:
        for text in Texts(page).found:
            self.texts[text].add(where)

    def start(self, job: str, **data: Any) -> Task:
        """Start a job by its form, and run it to its end."""
        return self._run(self.client.post(f"/jobs/{job}/", data))

    def change(self, **data: Any) -> Task:
        return self._run(self.client.post("/tasks/many/", data))

    def _run(self, response: Any) -> Task:
        assert response.status_code == 302, response.content.decode()
        task = Task.objects.get(pk=response["Location"].strip("/").rpartition("/")[2])
        runner.run(str(task.pk), worker="w1")
        for child in task.children.all():
            runner.run(str(child.pk), worker="w1")
        if task.has_children or task.children.exists():
            runner.run(str(task.pk), worker="w1")
        task.refresh_from_db()
        assert task.is_final
        return task


def run_jobs(visit: Visit) -> list[Task]:
    """Each of the shipped jobs, to a good end and to a bad one."""
    good = [
        visit.start("rehearsal", **QUICK),
        visit.start("profile_csv", upload=csv()),
        visit.start("make_thumbnails", upload=archive(), edge=64, form="JPEG"),
        visit.start("export_tasks", kind="csv", search="job:none"),
        visit.start("prune_tasks", days=900, most=900),
    ]
    bad = [
        visit.start("rehearsal", **QUICK | {"fail_chance": 100}),
        visit.start("profile_csv", upload=SimpleUploadedFile("q.csv", b"%PDF")),
        visit.start("make_thumbnails", upload=SimpleUploadedFile("q.zip", b"0"), edge=64, form="JPEG"),
    ]
    assert [task.state for task in [*good, *bad]] == ["succeeded"] * len(good) + ["failed"] * len(bad)
    return [*good, *bad, visit.change(verb="retry", pick=[str(good[0].pk), str(bad[0].pk)])]


def tasks_in_every_state(visit: Visit) -> list[Task]:
    """As no job of ours leaves them while one looks."""
    attempt = {"number": 1, "worker": "w1", "started_at": None, "ended_at": 1.0, "code": "", "traceback": "ValueError"}
    past = [attempt | {"ending": ending, "text": UNEXPECTED.text} for ending in ("failed", "lost", "handed back")]
    fields: dict[str, Any] = {"owner": visit.person, "worker": "w1"}
    tasks = [
        TaskFactory.create(**fields),
        TaskFactory.create(**fields, running=True, past_attempts=past),
        TaskFactory.create(**fields, overdue=True),
        TaskFactory.create(**fields, running=True, state=State.CANCELLING),
        TaskFactory.create(**fields, state=State.RETRYING, past_attempts=past),
        TaskFactory.create(**fields, ended=True, state=State.CANCELLED),
    ]
    for fault, state in ((UNEXPECTED, State.FAILED), (VANISHED, State.LOST), (FORGOTTEN, State.LOST)):
        noted = {"error_code": fault.code, "error_text": fault.text, "traceback": "ValueError"}
        tasks.append(TaskFactory.create(**fields, **noted, ended=True, state=state))
    moving = Snapshot(
        task=str(tasks[1].pk), job="rehearsal", state=State.RUNNING, attempt=1, current=3, total=9, unit="steps",
        percent=33.0, stage=StageRef(index=1, name="Load"), rate=2.0, elapsed=9.0, ts=connections.backend().time_s(),
        stages=tuple(StageProgress(name=name, state=state) for name, state in zip(
            ("Prepare", "Load", "Check"), (StageState.DONE, StageState.RUNNING, StageState.PENDING), strict=True
        )),
    )  # fmt: skip
    connections.backend().publish(moving)
    return tasks


def walk(visit: Visit) -> None:
    """Through every page."""
    tasks = [*run_jobs(visit), *tasks_in_every_state(visit)]
    for task in tasks:
        visit.see(f"/tasks/{task.pk}/")
        visit.see(f"/tasks/{task.pk}/widget/")
        visit.see(f"/admin/tasks_app/task/{task.pk}/change/")
        for made in task.attachments.filter(name__endswith=".html"):
            with made.file.open() as file:
                visit.read(made.name, file.read().decode())
    for child in Task.objects.exclude(parent=None)[:1]:
        visit.see(f"/tasks/{child.pk}/")
    for path in ("/", "/tasks/", "/tasks/?scope=all&sort=job&q=word", "/tasks/?q=job:none", "/ops/", "/doctor/"):
        visit.see(path)
    for name in {job.name for job in registry.all_jobs() if not job.internal}:
        visit.see(f"/jobs/{name}/")
        visit.see(f"/jobs/{name}/", {"edge": "x"}, status=422)
    visit.see(f"/tasks/{tasks[0].pk}/again/")
    shared_and_refused(visit, tasks[0])
    administration(visit)


def shared_and_refused(visit: Visit, task: Task) -> None:
    """What a stranger sees, and who is not let in."""
    visit.see(f"/tasks/{task.pk}/share/", {"days": "7"})
    links = sharing.share(task, days=7, user=visit.person)
    anybody = Client(headers={"Accept-Language": visit.language})
    for scope, token in links.items():
        visit.see(f"/shared/{token}/{'badge.svg' if scope == sharing.Scope.BADGE else ''}", client=anybody)
    visit.see("/login/", client=anybody)
    visit.see("/login/", {"username": "x", "password": "y"}, client=anybody)
    visit.see("/nowhere/", status=404)
    anybody.force_login(User.objects.create_user(f"nobody-{visit.language}"))
    visit.see("/doctor/", status=403, client=anybody)
    visit.see("/", client=anybody)
    visit.see("/tasks/", client=anybody)
    visit.read("500", server_error(RequestFactory().get("/")).content.decode())


def nightly() -> None:
    """A schedule; that of the migrations is gone where another test has emptied the database."""
    PeriodicTask.objects.all().delete()
    CrontabSchedule.objects.all().delete()
    night = CrontabSchedule.objects.create(minute="17", hour="3")
    kept = arguments("Nightly", "rehearsal", QUICK, None)
    Schedule.objects.create(name="Nightly", task=START, crontab=night, kwargs=kept)


def administration(visit: Visit) -> None:
    """Every list and form of the admin."""
    nightly()
    for path in (
        "",
        "tasks_app/",
        "password_change/",
        "tasks_app/schedule/add/",
        "tasks_app/schedule/add/?job=rehearsal",
    ):
        visit.see(f"/admin/{path}")
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        visit.see(reverse(f"{name}_changelist"))


@pytest.fixture
def visits(staff: User, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Any) -> list[Visit]:
    """Walk once in German and once in English."""
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(outbox, "send", lambda *_args, **_options: True)
    monkeypatch.setattr(outbox, "put", lambda _task: None)
    monkeypatch.setattr(doctor, "_workers", lambda: 0)
    shipped = {job.name: job for job in registry.all_jobs() if job.function.__module__.startswith(registry.PACKAGES)}
    monkeypatch.setattr(registry, "_jobs", shipped)  # other tests have jobs too
    made = [Visit(language, staff) for language in ("de", "en")]
    for visit, language in zip(made, ("de", "en"), strict=True):
        with translation.override(language):
            walk(visit)
        Task.objects.all().delete()  # what one was told is not to stand in the other's lists
    return made


def is_allowed(text: str, places: set[str]) -> bool:
    of_others = text in OF_OTHERS and all(place.startswith("/admin/") for place in places)
    return of_others or text in NAMES | THE_SAME or DATA.fullmatch(text) is not None


def test_what_a_german_page_says_an_english_one_does_not(visits: list[Visit]) -> None:
    german, english = (visit.texts for visit in visits)
    same = {text: places for text, places in german.items() if text in english}
    untranslated = [f"{text!r} on {min(places)}" for text, places in same.items() if not is_allowed(text, places)]
    assert untranslated == []
    idle = (NAMES | THE_SAME | OF_OTHERS) - same.keys()
    assert sorted(idle) == [], "a name that no page has any more would hide the next text of that kind"
