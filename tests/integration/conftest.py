"""A person with a browser's cookie jar, a reader of streams, and jobs that write a journal."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.test import Client

from tasks_app import outbox
from tasks_app.models import Task
from tests.factories import QUICK, TaskFactory
from tests.gated_jobs import Gate
from tests.processes import until
from tests.stack import Stack

DEADLINE_S = 20.0


class Person:
    """Somebody logged in at a running server."""

    def __init__(self, url: str, user: User) -> None:
        session = Client()
        session.force_login(user)
        cookies = {"sessionid": session.cookies["sessionid"].value}
        self.http = httpx.Client(base_url=url, cookies=cookies, timeout=DEADLINE_S)

    def post(self, path: str, data: dict[str, Any], form: str = "/tasks/") -> httpx.Response:
        """Post as a form of the page `form` would."""
        page = self.http.get(form).text
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert found, page
        return self.http.post(path, data=data | {"csrfmiddlewaretoken": found[1]})

    def start(self, **values: Any) -> str:
        """Start a rehearsal; returns the task's id."""
        return self._started("rehearsal", {**QUICK, "steps": 20, "seconds": 0.4} | values)

    def start_gated(self, gate: Gate) -> str:
        """Start the job of tests/gated_jobs.py at a server that knows it; returns the task's id."""
        return self._started("gated", {"gate": str(gate.path), "more_stages": 0})

    def _started(self, job: str, data: dict[str, Any]) -> str:
        response = self.post(f"/jobs/{job}/", data, form=f"/jobs/{job}/")
        assert response.status_code == 302, response.text
        return response.headers["Location"].split("/")[2]

    @contextmanager
    def events(self, *channels: str, last_id: str = "", url: str = "/events/") -> "Iterator[Events]":
        """Open a stream."""
        query = httpx.QueryParams([("channel", name) for name in channels])
        headers = {"Last-Event-ID": last_id} if last_id else {}
        with self.http.stream("GET", url, params=query if channels else None, headers=headers) as response:
            yield Events(response)


class Events:
    """The events of a stream, as they come."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.seen: list[dict[str, str]] = []
        self._lines = response.iter_lines()

    def __iter__(self) -> Iterator[dict[str, str]]:
        event: dict[str, str] = {}
        for line in self._lines:
            if line:
                name, _, value = line.partition(": ")
                event[name] = value
            elif event:
                self.seen.append(event)
                yield event
                event = {}

    def until(self, name: str) -> dict[str, str]:
        """Read on to the next event of this name."""
        for event in self:
            if event.get("event") == name:
                return event
        raise AssertionError(f"the stream ended without {name!r}: {self.seen}")

    @property
    def names(self) -> list[str]:
        return [event["event"] for event in self.seen if "event" in event]


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """What lets a gated job go on."""
    return Gate(tmp_path)


@pytest.fixture
def admin(staff: User, live: Stack) -> Iterator[Person]:
    """Staff at the session's server."""
    person = Person(live.url, staff)
    yield person
    person.http.close()


class Jobs:
    """Starts the jobs of tests/stubborn_jobs.py and reads their journal."""

    def __init__(self, journal: Path, staff: User) -> None:
        self.journal = journal
        self.staff = staff

    def start(self, job: str, seconds: float = 60, **fields: Any) -> Task:
        params = {"journal": str(self.journal), "seconds": seconds}
        task = TaskFactory.create(job=job, params=params, owner=self.staff, **fields)
        assert outbox.publish(task)
        return task

    def begun(self, job: str, **options: Any) -> Task:
        """Start it and wait until its body runs."""
        task, before = self.start(job, **options), len(self.lines())
        until(lambda: len(self.lines()) > before, what="the job's beginning")
        return task

    def wake(self) -> None:
        """Let the dozing ones end."""
        self.journal.with_name(f"{self.journal.name}-wake").touch()

    def lines(self) -> list[str]:
        return self.journal.read_text().split("\n")[:-1] if self.journal.exists() else []

    def ended(self, task: Task) -> Task:
        until(lambda: Task.objects.get(pk=task.pk).is_final, what="the end")
        task.refresh_from_db()
        return task


@pytest.fixture
def jobs(tmp_path: Path, staff: User) -> Jobs:
    return Jobs(tmp_path / "journal", staff)
