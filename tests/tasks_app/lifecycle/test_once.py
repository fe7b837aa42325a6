"""The same work, or the same call, twice: one task."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from tasks_app import lifecycle, registry
from tasks_app.models import Task
from tests.factories import QUICK
from tests.tasks_app.lifecycle.jobs import Upload, nothing

pytestmark = pytest.mark.django_db(transaction=True)


class Shop(forms.Form):
    shop = forms.CharField()
    note = forms.CharField(required=False)


@pytest.fixture
def import_shop(catalogue: Callable[..., registry.Job], inbox: list[Task]) -> Callable[..., Task]:
    catalogue(nothing, form=Shop, unique_by=["shop"])
    return lambda user, shop, **more: lifecycle.enqueue("a_job", user=user, data={"shop": shop} | more)


def test_the_same_work_is_joined_while_it_is_under_way(
    staff: User, import_shop: Callable[..., Task], inbox: list[Task]
) -> None:
    first, other = import_shop(staff, "north"), import_shop(staff, "south")
    twin = import_shop(staff, "north", note="again")
    assert (twin, twin.joined, first.joined) == (first, True, False)
    assert inbox == [first, other]
    Task.objects.filter(pk=first.pk).cancel_waiting()
    assert import_shop(staff, "north") != first, "it has ended"


def test_of_many_processes_that_start_the_same_work_one_does(staff: User, import_shop: Callable[..., Task]) -> None:
    barrier, started = threading.Barrier(6), list[Task]()

    def begin() -> None:
        barrier.wait()
        started.append(import_shop(staff, "north"))
        connection.close()

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(started) == 6
    assert len(set(started)) == Task.objects.count() == 1


def test_work_that_the_user_may_not_see_is_not_joined(staff: User, owner: User, catalogue: Any) -> None:
    catalogue(nothing, form=Shop, unique_by=["shop"], permission="auth.view_user")
    owner.user_permissions.add(Permission.objects.get(codename="view_user"))
    lifecycle.enqueue("a_job", user=staff, data={"shop": "north"})
    with pytest.raises(lifecycle.Refused, match="somebody else"):
        lifecycle.enqueue("a_job", user=User.objects.get(pk=owner.pk), data={"shop": "north"})


def test_work_that_is_being_cancelled_is_not_joined(staff: User, import_shop: Callable[..., Task]) -> None:
    task = import_shop(staff, "north")
    Task.objects.filter(pk=task.pk).claim(worker="w", lease_s=45)
    Task.objects.filter(pk=task.pk).request_cancel()
    with pytest.raises(lifecycle.Refused, match="being cancelled"):
        import_shop(staff, "north")


def test_files_are_the_same_by_their_content(staff: User, inbox: list[Task], catalogue: Any) -> None:
    catalogue(nothing, form=Upload, unique_by=["upload"])

    def start(name: str, content: bytes) -> Task:
        return lifecycle.enqueue("a_job", user=staff, data={}, files={"upload": SimpleUploadedFile(name, content)})

    first = start("a.csv", b"1")
    assert start("b.csv", b"1") == first
    assert start("a.csv", b"2") != first
    with first.attachments.get().file.open() as kept:
        assert kept.read() == b"1"


def test_without_fields_one_runs_at_all(staff: User, inbox: list[Task], catalogue: Any) -> None:
    catalogue(nothing, form=Shop, unique_by=())
    start = [lifecycle.enqueue("a_job", user=staff, data={"shop": shop}) for shop in ("north", "south")]
    assert start[0] == start[1]


def test_a_call_that_is_repeated_starts_nothing(staff: User, owner: User, inbox: list[Task]) -> None:
    def start() -> Task:
        return lifecycle.enqueue("rehearsal", user=staff, data=QUICK, idempotency_key="k1")

    first = start()
    Task.objects.filter(pk=first.pk).cancel_waiting()
    assert start() == first, "also when it has ended"
    assert inbox == [first]
    with pytest.raises(lifecycle.Refused, match="another start"):
        lifecycle.enqueue("rehearsal", user=staff, data=QUICK | {"steps": 5}, idempotency_key="k1")
