"""What many children cost, and what each of them is given."""

from collections.abc import Callable
from typing import Any

import pytest
from django import forms
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks_app import maintenance
from tasks_app.models import Task
from tests.factories import TaskFactory
from tests.tasks_app.conftest import Broker
from tests.tasks_app.family.relatives import Catalogue, run, run_children

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_db", "broker")]


def test_children_are_published_a_few_at_a_time(parent: Callable[..., Task], broker: Broker, settings: Any) -> None:
    settings.TASKS_CHILDREN_AHEAD = 4
    task = parent(list(range(20, 30)))
    published = task.children.filter(published_at__isnull=False)
    assert [child.number for child in published.order_by("number")] == [0, 1, 2, 3]
    run_children(task, 0, 1)
    assert published.count() == 5
    run_children(task, 2)
    assert published.count() == 7
    maintenance.maintain()
    assert published.filter(finished_at=None).count() == 4


def test_a_child_costs_three_writes(parent: Callable[..., Task]) -> None:
    task = parent([1, 2, 3])
    with CaptureQueriesContext(connection) as queries:
        run_children(task, 1)
    writes = [query["sql"] for query in queries if query["sql"].startswith(("UPDATE", "INSERT"))]
    assert len(writes) == 2, "and one insert among all"


def test_ten_thousand_children_are_made_in_one_go(parent: Callable[..., Task], broker: Broker) -> None:
    task = parent([1] * 10_000)
    assert task.children.count() == 10_000
    assert len(broker.sent) == 200
    task.children.update(state="succeeded", finished_at=task.started_at, result=2)
    maintenance.maintain()
    assert run(task).result == {"sum": 20_000, "failed": 0, "errors": []}


def test_a_child_is_given_its_parents_files(catalogue: Catalogue) -> None:
    from django.core.files.base import ContentFile  # noqa: PLC0415

    from tasks_app import attachments  # noqa: PLC0415

    class WithFile(forms.Form):
        upload = forms.FileField()

    def read(_progress: Any, *, upload: Any) -> str:
        with upload.open() as file:
            return str(file.read(), "utf-8")

    catalogue(read, "read", form=WithFile)
    catalogue(lambda progress, **_: progress.map("read", [{}]), "spread", form=WithFile)
    task = TaskFactory.create(job="spread", params={})
    attachments.keep(task, ContentFile(b"for all"), "a.txt", field="upload")
    run(task)
    run_children(task, 0)
    assert task.children.get().result == "for all"


def test_a_childs_page_leads_to_its_parent_and_offers_no_second_run(
    parent: Callable[..., Task], client: Any, staff: Any, static_files: None
) -> None:
    task = parent([1])
    run_children(task, 0)
    client.force_login(staff)
    page = client.get(task.children.get().get_absolute_url()).content.decode()
    assert f'href="{task.get_absolute_url()}"' in page
    assert "/retry/" not in page
