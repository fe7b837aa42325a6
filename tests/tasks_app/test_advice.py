"""What a search that cannot be meant is told, and what it offers instead."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.translation import override

from progress_app.events import State
from tasks_app.advice import advise
from tasks_app.terms import terms
from tests.factories import TaskFactory


def told(text: str, *, found: bool = False) -> list[tuple[str, str]]:
    """Each sentence, and the term that is offered instead."""
    advice = advise(terms([text]), found=found)
    return [(each.text, str(each.instead) if each.instead else "") for each in advice]


STATES = "queued, running, cancelling, retrying, succeeded, failed, cancelled, lost"


@pytest.mark.parametrize(
    ("text", "sentence", "instead"),
    [
        ("state:fialed", f"There is no state fialed; there are {STATES}.", "state:failed"),
        ("state:purple", f"There is no state purple; there are {STATES}.", ""),
        ("job:rehersal", "No job is called rehersal; there are ", "job:rehearsal"),
        ("after:tomorow", "tomorow is no day: say 2026-11-27, today, yesterday or 7d.", ""),
        ("date:7d", "7d is no day", ""),
        ("ended:soon", "soon is no span of time: say 12h or 7d.", ""),
        ("parent:x", "x is not the id of a task.", ""),
        ("error: torn", "No error here has the code torn.", "torn"),
        ("stat:failed", "The search knows no stat:; it knows state:, job:, ", "state:failed"),
        ("colour:red", "The search knows no colour:; it knows state:, ", ""),
        ("state:", "Nothing stands behind state:", ""),
        ("created:yesterday", "The search knows no created:; it knows state:, ", "date:yesterday"),
        ("rehearsl", "Nothing was found with rehearsl.", "rehearsal"),
        ("Faield", "Nothing was found with Faield.", "failed"),
        ("yesteday", "Nothing was found with yesteday.", "date:yesterday"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_told(text: str, sentence: str, instead: str) -> None:
    ((text, offered),) = told(text)
    assert text.startswith(sentence)
    assert offered == instead


@pytest.mark.parametrize(
    "text", ["state:failed", "job:profile", "after:today", "ended:7d", "orders", "profil", "fail", "http://x", "12:30"]
)
def test_what_can_be_meant_is_not(text: str) -> None:
    assert told(text) == []


@pytest.mark.parametrize("text", ["job:gone", "colour:red", "error:torn", "rehearsl"])
def test_what_is_found_is_not_doubted(text: str) -> None:
    assert told(text, found=True) == []


def test_the_reader_s_language_is_spoken() -> None:
    with override("de"):
        ((text, instead),) = told("zustand:geschietert")
        assert told("zustand:fialed")[0][1] == instead == "state:failed"
        assert told("geschietert") == [("Mit geschietert wurde nichts gefunden.", "gescheitert")]
    assert "gescheitert" in text


@pytest.mark.django_db
@pytest.mark.usefixtures("static_files")
def test_the_list_says_it_beside_the_search_with_a_link_to_what_was_meant(staff: User) -> None:
    task = TaskFactory.create(state=State.FAILED)
    client = Client()
    client.force_login(staff)
    page = client.get("/tasks/?scope=all&q=state:fialed").content.decode()
    assert "There is no state fialed" in page
    assert 'Did you mean <a href="?scope=all&amp;q=state%3Afailed">state:failed</a>?' in " ".join(page.split())
    assert list(client.get("/tasks/?scope=all&q=state%3Afailed").context["page_obj"]) == [task]
