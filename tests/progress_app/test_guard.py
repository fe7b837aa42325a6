"""Who may no longer watch is sent away within a moment, in every process: with a real Valkey and real sessions."""

import time
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from progress_app import conf, connections, tokens
from progress_app.events import Snapshot, State
from progress_app.gateway import Gateway
from progress_app.kick import users_of
from tasks_app.models import Task
from tests.factories import TaskFactory
from tests.progress_app.asgi import Browser, Headers, Visit, aside, configured, session

pytestmark = pytest.mark.usefixtures("transactional_db", "redis_db")


@pytest.fixture
def task(owner: User, group: Group) -> Task:
    return TaskFactory.create(owner=owner, group=group, running=True)


async def watching(gateway: Gateway, headers: Headers, task: Task) -> Visit:
    connections.backend().publish(Snapshot(task=str(task.pk), attempt=1, state=State.RUNNING, ts=time.time()))
    visit = Browser(gateway, headers).visit(f"/events/?channel=task-{task.pk}")
    await visit.event("progress")
    return visit


async def is_sent_away(visit: Visit) -> None:
    told = (await visit.event("stream-error")).events[-1].data
    assert (told["condition"], told["retryable"]) == ("forbidden", False)
    await visit.end()


async def test_a_logout_ends_the_streams_of_that_session_alone(gateway: Gateway, owner: User, task: Task) -> None:
    client = Client()
    await aside(lambda: client.force_login(owner))
    cookie = [(b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode())]
    leaving = await watching(gateway, cookie, task)
    staying = await watching(gateway, await aside(lambda: session(owner)), task)
    await aside(client.logout)
    await is_sent_away(leaving)
    assert staying.answer.is_open
    await staying.leave()


def leave_group(user: User) -> None:
    user.groups.clear()


def switch_off(user: User) -> None:
    user.is_active = False
    user.save()


@pytest.mark.parametrize(
    "change", [leave_group, switch_off, lambda user: user.delete()], ids=["group", "off", "deleted"]
)
async def test_a_right_that_is_taken_away_ends_the_stream(
    gateway: Gateway, colleague: User, task: Task, change: Callable[[User], None]
) -> None:
    visit = await watching(gateway, await aside(lambda: session(colleague)), task)
    await aside(lambda: change(colleague))
    await is_sent_away(visit)


async def test_a_stream_with_a_token_ends_with_its_users_rights(gateway: Gateway, colleague: User, task: Task) -> None:
    made = tokens.issue(
        connections.shelf().keep, prefix=conf.get().key_prefix, user=colleague.pk, channels=[f"task-{task.pk}"],
        ttl_s=60,
    )  # fmt: skip
    visit = Browser(gateway).visit(f"/events/?token={made}")
    await visit.event("stream-open")
    await aside(lambda: leave_group(colleague))
    await is_sent_away(visit)


@configured(PROGRESS_ACCESS_RECHECK_S=1.0)
async def test_what_no_signal_tells_is_found_by_the_timer(gateway: Gateway, colleague: User, task: Task) -> None:
    visit = await watching(gateway, await aside(lambda: session(colleague)), task)
    await aside(lambda: Task.objects.filter(pk=task.pk).update(group=None))
    await is_sent_away(visit)


async def test_a_change_that_takes_nothing_away_ends_nothing(gateway: Gateway, owner: User, task: Task) -> None:
    visit = await watching(gateway, await aside(lambda: session(owner)), task)
    await aside(lambda: owner.user_permissions.add(Permission.objects.all()[0]))
    connections.backend().publish(
        Snapshot(task=str(task.pk), attempt=1, state=State.RUNNING, ts=time.time(), message="still here")
    )
    await visit.until(lambda answer: b"still here" in answer.body)
    assert visit.answer.is_open
    await visit.leave()


@pytest.mark.parametrize(("data", "users"), [(b"null", None), (b"[]", frozenset()), (b'["7"]', frozenset({"7"}))])
def test_a_kick_names_people_or_everybody(data: bytes, users: frozenset[str] | None) -> None:
    assert users_of(data) == users
