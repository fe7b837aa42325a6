"""The way in and out."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tasks_app.models import Task
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "redis_db", "inbox")]


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
