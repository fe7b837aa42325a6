"""The user's verbs: enqueue, cancel, retry; who may, what is kept, and what a fault of Redis or broker changes."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
import redis
from django import forms
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import QueryDict

from progress_app import connections
from progress_app.events import State
from progress_app.exceptions import BackendUnavailable
from tasks_app import lifecycle, outbox, registry
from tasks_app.models import Attachment, Task
from tests.factories import QUICK, TaskFactory
from tests.tasks_app.conftest import Broker

pytestmark = pytest.mark.django_db(transaction=True)


class Tags(forms.Form):
    tags = forms.MultipleChoiceField(choices=[("a", "a"), ("b", "b")], required=False)


class Upload(Tags):
    upload = forms.FileField()


def nothing(progress: object, **_values: Any) -> None: ...


def away(*_args: Any, **_options: Any) -> None:
    raise BackendUnavailable("away")


# Enqueue


def test_a_task_is_committed_before_it_is_published(staff: User, inbox: list[Task]) -> None:
    task = lifecycle.enqueue("rehearsal", user=staff, data=QUICK)
    assert inbox == [task]
    kept = Task.objects.get(pk=task.pk)
    assert (kept.state, kept.owner, kept.attempt, kept.published_at) == (State.QUEUED, staff, 0, None)
    assert kept.params == QUICK | {"known_total": True}


def test_publishing_names_the_next_attempt_and_is_noted(staff: User, broker: Broker, inbox: list[Task]) -> None:
    task = lifecycle.enqueue("rehearsal", user=staff, data=QUICK)
    assert outbox.publish(task)
    [(name, options)] = broker.sent
    assert (name, options["task_id"], options["args"]) == ("tasks_app.run", f"{task.pk}.1", [str(task.pk)])
    task.refresh_from_db()
    assert task.published_at is not None


def test_a_broker_that_is_away_costs_the_user_nothing(staff: User, broker: Broker, inbox: list[Task]) -> None:
    broker.away = True
    task = lifecycle.enqueue("rehearsal", user=staff, data=QUICK)
    assert not outbox.publish(task)
    task.refresh_from_db()
    assert (task.state, task.published_at) == (State.QUEUED, None)


@pytest.mark.parametrize("data", [{}, QUICK | {"steps": 0}, QUICK | {"seconds": "nan"}, QUICK | {"stages": "many"}])
def test_values_that_do_not_fit_keep_nothing(staff: User, inbox: list[Task], data: dict[str, Any]) -> None:
    with pytest.raises(registry.BadParameters):
        lifecycle.enqueue("rehearsal", user=staff, data=data)
    assert not Task.objects.exists()
    assert inbox == []


def test_who_may_not_start_a_job_keeps_nothing(owner: User, inbox: list[Task]) -> None:
    for nobody in (owner, AnonymousUser()):
        with pytest.raises(lifecycle.NotAllowed):
            lifecycle.enqueue("rehearsal", user=nobody, data=QUICK)
    assert not Task.objects.exists()


def test_an_unknown_job_is_named(staff: User) -> None:
    with pytest.raises(registry.UnknownJob, match="Known jobs"):
        lifecycle.enqueue("nonsense", user=staff, data={})


def test_files_and_lists_are_kept_and_come_back_typed(
    staff: User, inbox: list[Task], catalogue: Callable[..., registry.Job]
) -> None:
    job = catalogue(nothing, form=Upload)
    upload = SimpleUploadedFile("../../etc/pass\nwd.csv", b"a,b\n1,2\n")
    task = lifecycle.enqueue("a_job", user=staff, data={"tags": ["a", "b"]}, files={"upload": upload})
    from tasks_app import attachments  # noqa: PLC0415

    values = job.bind(task.params, attachments.inputs(task))
    assert values["tags"] == ["a", "b"]
    assert (values["upload"].name, values["upload"].size) == ("passwd.csv", 8)
    with values["upload"].open("rb") as opened:
        assert opened.read() == b"a,b\n1,2\n"


@pytest.mark.parametrize("query", ["tags=a", "tags=a&tags=b", "tags=b&other=x"])
def test_a_field_of_several_values_is_a_list_however_many_were_chosen(
    staff: User, inbox: list[Task], catalogue: Callable[..., registry.Job], query: str
) -> None:
    job = catalogue(nothing, form=Tags)
    task = lifecycle.enqueue("a_job", user=staff, data=QueryDict(query))
    assert job.bind(task.params)["tags"] == QueryDict(query).getlist("tags")


# Cancel


def test_a_waiting_task_is_cancelled_at_once_and_its_end_is_told(owner: User, redis_db: redis.Redis) -> None:
    task = TaskFactory.create(owner=owner)
    lifecycle.cancel(task, user=owner)
    task.refresh_from_db()
    assert (task.state, task.finished_at is not None, task.end_sent) == (State.CANCELLED, True, True)
    shown = connections.backend().read_snapshot(str(task.pk))
    assert shown is not None
    assert shown.state is State.CANCELLED


def test_a_running_task_is_asked(owner: User, redis_db: redis.Redis) -> None:
    task = TaskFactory.create(owner=owner, running=True)
    lifecycle.cancel(task, user=owner)
    task.refresh_from_db()
    assert (task.state, task.finished_at) == (State.CANCELLING, None)
    assert redis_db.get(f"headway:{{{task.pk}}}:cancel")
    assert lifecycle.cancel(task, user=owner).state == State.CANCELLING, "asking twice is no fault"


def test_a_fault_of_redis_does_not_touch_the_cancel(owner: User, staff: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for verb in ("publish", "request_cancel"):
        monkeypatch.setattr(connections.backend(), verb, away)
    waiting, running = TaskFactory.create(owner=owner), TaskFactory.create(running=True)
    assert lifecycle.cancel(waiting, user=owner).state == State.CANCELLED
    assert lifecycle.cancel(running, user=staff).state == State.CANCELLING
    waiting.refresh_from_db()
    assert not waiting.end_sent, "maintenance sends it"


def test_an_ended_task_cannot_be_cancelled(owner: User) -> None:
    with pytest.raises(lifecycle.Refused, match="already ended"):
        lifecycle.cancel(TaskFactory.create(owner=owner, ended=True), user=owner)


def test_only_owner_and_staff_cancel_and_retry(colleague: User, stranger: User, group: Any) -> None:
    for person in (colleague, stranger):
        with pytest.raises(lifecycle.NotAllowed):
            lifecycle.cancel(TaskFactory.create(group=group), user=person)
        with pytest.raises(lifecycle.NotAllowed):
            lifecycle.retry(TaskFactory.create(group=group, ended=True), user=person)


# Retry


def test_a_retry_is_a_new_task_with_the_same_input(owner: User, inbox: list[Task]) -> None:
    task = TaskFactory.create(owner=owner, ended=True)
    given = Attachment.objects.create(task=task, field="upload", name="a.csv", size=1, content_type="text/csv")
    Attachment.objects.create(task=task, name="report.html", size=1, content_type="text/html")
    again = lifecycle.retry(task, user=owner)
    assert again.pk != task.pk
    assert (again.retry_of, again.state, again.params, again.attempt) == (task, State.QUEUED, task.params, 0)
    [shared] = again.attachments.all()
    assert (shared.field, shared.file.name) == ("upload", given.file.name)
    assert inbox == [again]


def test_an_unfinished_task_cannot_be_retried(owner: User) -> None:
    with pytest.raises(lifecycle.Refused, match="not ended yet"):
        lifecycle.retry(TaskFactory.create(owner=owner), user=owner)


def test_a_job_that_is_gone_cannot_be_retried(owner: User) -> None:
    with pytest.raises(lifecycle.Refused, match="no longer part"):
        lifecycle.retry(TaskFactory.create(owner=owner, ended=True, job="gone"), user=owner)


def test_a_retry_whose_values_no_longer_fit_is_refused_with_the_way_out(owner: User) -> None:
    task = TaskFactory.create(owner=owner, ended=True, params=QUICK | {"steps": 0})
    with pytest.raises(lifecycle.Refused, match=r"steps: .*changed input"):
        lifecycle.retry(task, user=owner)


def test_a_retry_with_changed_input_takes_the_files_that_are_not_given_anew(
    staff: User, inbox: list[Task], catalogue: Callable[..., registry.Job]
) -> None:
    class Two(forms.Form):
        first = forms.FileField()
        second = forms.FileField()
        name = forms.CharField()

    catalogue(nothing, form=Two)
    files = {name: SimpleUploadedFile(f"{name}.csv", b"a") for name in ("first", "second")}
    task = lifecycle.enqueue("a_job", user=staff, data={"name": "a"}, files=files)
    Task.objects.filter(pk=task.pk).cancel_waiting()
    task.refresh_from_db()
    again = lifecycle.retry(task, user=staff, data={"name": "b"}, files={"second": SimpleUploadedFile("new.csv", b"b")})
    assert (again.retry_of, again.params) == (task, {"name": "b"})
    assert {given.field: given.name for given in again.attachments.all()} == {"first": "first.csv", "second": "new.csv"}


def test_new_values_need_the_right_to_start_the_job(owner: User) -> None:
    with pytest.raises(lifecycle.NotAllowed):
        lifecycle.retry(TaskFactory.create(owner=owner, ended=True), user=owner, data=QUICK)


# Once at a time


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


def test_a_task_waits_in_the_line_of_its_job(staff: User, broker: Broker, inbox: list[Task], catalogue: Any) -> None:
    catalogue(nothing, queue="long", priority=2)
    task = lifecycle.enqueue("a_job", user=staff, data={})
    outbox.publish(task)
    [(_, options)] = broker.sent
    assert (options["queue"], options["priority"]) == ("long", 2)
