"""A job speaks the language of who started it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import translation
from django.utils.translation import gettext

from tasks_app import children, lifecycle, registry, runner
from tasks_app.models import Task
from tests.tasks_app.conftest import Broker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_db")]
Catalogue = Callable[..., registry.Job]


def says_yes(_progress: Any) -> str:
    return gettext("yes")


@pytest.mark.parametrize(("language", "said"), [("de", "ja"), ("en", "yes")])
def test_a_job_speaks_the_language_of_who_started_it(
    catalogue: Catalogue, owner: User, inbox: list[Task], language: str, said: str
) -> None:
    job = catalogue(says_yes, permission=registry.ANYBODY)
    with translation.override(language):
        task = lifecycle.enqueue(job.name, user=owner, data={})
    with translation.override("en"):
        runner.run(str(task.pk), worker="worker@test")
        assert gettext("yes") == "yes", "the worker's own language is as before"
    task.refresh_from_db()
    assert (inbox, task.language, task.result) == ([task], language, said)


def test_a_task_without_a_language_speaks_the_project_s(catalogue: Catalogue, owner: User, settings: Any) -> None:
    settings.LANGUAGE_CODE = "de"
    task = Task.objects.create(job=catalogue(says_yes).name, owner=owner)
    runner.run(str(task.pk), worker="worker@test")
    task.refresh_from_db()
    assert task.result == "ja"


def test_children_speak_their_parent_s_language(catalogue: Catalogue, owner: User, broker: Broker) -> None:
    part = catalogue(says_yes, name="spoken_part")

    def whole(progress: Any) -> None:
        progress.map(part.name, [{}])

    task = Task.objects.create(job=catalogue(whole, name="spoken_whole").name, owner=owner, language="de")
    runner.run(str(task.pk), worker="worker@test")
    assert [child.language for child in task.children.all()] == ["de"]
    assert broker.sent
    children.cancel(task)
