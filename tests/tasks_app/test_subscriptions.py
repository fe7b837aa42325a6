"""An e-mail at the end, for who asked for one: one, and only then."""

import smtplib
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.utils import translation

from progress_app import patience
from progress_app.events import State
from tasks_app import subscriptions
from tasks_app.models import Subscription, Task
from tasks_app.subscriptions import MOST_TRIES, NO_MAIL, subscribe, tell
from tests.factories import TaskFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


@pytest.fixture
def reader(owner: User) -> User:
    owner.email = "owner@example.org"
    owner.save()
    return owner


@pytest.fixture
def task(reader: User) -> Task:
    return TaskFactory.create(running=True, owner=reader)


def end(task: Task, **fields: Any) -> None:
    Task.objects.filter(pk=task.pk).update(state=State.SUCCEEDED, **fields)


def test_one_mail_comes_at_the_end_and_not_before(task: Task, reader: User) -> None:
    subscribe(task, reader)
    subscribe(task, reader)
    assert tell() == 0
    end(task)
    assert [tell(), tell()] == [1, 0]
    (letter,) = mail.outbox
    assert letter.to == ["owner@example.org"]
    assert letter.subject == "Rehearsal: Succeeded"
    assert str(task.pk) in letter.body


def test_the_mail_is_in_the_language_in_which_it_was_asked_for(task: Task, reader: User) -> None:
    client = Client(headers={"Accept-Language": "de"})
    client.force_login(reader)
    with translation.override("en"):  # which it ends with: a request leaves its language to the thread
        client.post(f"/tasks/{task.pk}/tell-me/")
    end(task)
    assert tell() == 1
    (letter,) = mail.outbox
    assert letter.subject == "Probelauf: Erfolgreich"
    assert letter.body.startswith("Die Aufgabe „Probelauf“")


def test_who_changed_their_mind_gets_none(task: Task, reader: User) -> None:
    subscribe(task, reader)
    subscriptions.unsubscribe(task, reader)
    end(task)
    assert tell() == 0


def test_a_mail_server_that_refuses_is_tried_again_and_then_given_up(
    task: Task, reader: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise smtplib.SMTPServerDisconnected

    subscribe(task, reader)
    end(task)
    monkeypatch.setattr(subscriptions, "send_mail", refuse)
    assert [tell() for _ in range(MOST_TRIES + 1)] == [0] * (MOST_TRIES + 1)
    monkeypatch.undo()
    assert tell() == 0, "given up"


def test_a_mail_server_that_hangs_is_tried_once_a_round(
    task: Task, reader: User, staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def hang(*_: Any) -> None:
        tried.append(1)
        raise TimeoutError

    for user in (reader, staff):
        Subscription.objects.create(task=task, user=user)
    end(task)
    monkeypatch.setattr(subscriptions, "send_mail", hang)
    with patience.short():
        tell()
    assert len(tried) == 1
    assert sum(Subscription.objects.values_list("tries", flat=True)) == 1, "who was not tried has all tries left"


def test_a_hostile_title_breaks_no_header(task: Task, reader: User) -> None:
    subscribe(task, reader)
    end(task, job="x\r\nBcc: everybody@example.org")
    assert tell() == 1
    assert "\n" not in mail.outbox[0].subject
    assert mail.outbox[0].recipients() == ["owner@example.org"]


def test_it_is_offered_only_where_a_mail_would_come(task: Task, reader: User, settings: Any) -> None:
    client = Client()
    client.force_login(reader)
    settings.EMAIL_BACKEND = NO_MAIL
    client.post(f"/tasks/{task.pk}/tell-me/")
    assert not task.subscriptions.exists()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    client.post(f"/tasks/{task.pk}/tell-me/")
    assert task.subscriptions.get().user == reader
    client.post(f"/tasks/{task.pk}/tell-me/", {"off": "1"})
    assert not task.subscriptions.exists()


def test_a_stranger_cannot_ask_about_a_task(task: Task, stranger: User) -> None:
    client = Client()
    client.force_login(stranger)
    assert client.post(f"/tasks/{task.pk}/tell-me/").status_code == 404


def test_the_page_says_how_an_e_mail_could_come_where_only_the_address_is_missing(
    owner: User, staff: User, settings: Any
) -> None:
    task = TaskFactory.create(running=True, owner=owner)
    staff.is_superuser = True
    staff.save()
    pages = {}
    for user in (owner, staff):
        client = Client()
        client.force_login(user)
        pages[user] = partial(lambda client: client.get(task.get_absolute_url()).content.decode(), client)
    assert "ask staff to enter it" in pages[owner]()
    assert f'href="/admin/auth/user/{staff.pk}/change/"' in pages[staff]()
    settings.EMAIL_BACKEND = NO_MAIL
    assert not any("e-mail" in page() for page in pages.values())
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    User.objects.update(email="somebody@example.org")
    assert not any("once your account" in page() for page in pages.values())
