"""What holds for every answer."""

import logging
import uuid

import pytest
from django.test import Client

from tests.factories import TaskFactory
from tests.tasks_app.doors.table import NOWHERE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "redis_db", "inbox")]


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
