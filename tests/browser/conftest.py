"""Fixtures of the browser tests: somebody who is logged in, and a task without a worker."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page

from progress_app.events import State
from tasks_app import outbox
from tasks_app.models import Task
from tests.browser import steps
from tests.browser.lone_page import Answers
from tests.browser.steps import THEMES, Theme
from tests.factories import TaskFactory
from tests.gated_jobs import Gate
from tests.stack import Stack


@pytest.fixture
def answers() -> Answers:
    """Return the answers of a lone page's snapshots, which a test may change."""
    return Answers()


@pytest.fixture
def session(staff: User) -> dict[str, str]:
    """Return the cookies of a member of staff who has logged in."""
    client = Client()
    client.force_login(staff)
    return {"sessionid": client.cookies["sessionid"].value}


@pytest.fixture(params=THEMES)
def theme(request: pytest.FixtureRequest) -> Theme:
    """Return the colours that the system asks for."""
    return cast("Theme", request.param)


@pytest.fixture
def themed(live: Stack, chromium: Browser, session: dict[str, str], theme: Theme) -> Iterator[BrowserContext]:
    """Open a context in that theme, without motion: colours are measured as they end up."""
    context = chromium.new_context(color_scheme=theme, reduced_motion="reduce")
    steps.lend_session(context, live.url, session)
    yield context
    context.close()


@pytest.fixture
def member(live: Stack, session: dict[str, str], context: BrowserContext, page: Page) -> Page:
    """Open a page of a member of staff on the live server; it notes what the bar shows."""
    steps.lend_session(context, live.url, session)
    page.add_init_script(steps.NOTE_WHAT_IS_PAINTED)
    return page


@pytest.fixture
def running_task(staff: User) -> Callable[..., Task]:
    """Make tasks that look as if a worker ran them; the test itself publishes their progress."""

    def make(**fields: Any) -> Task:
        given = {"job": "rehearsal", "owner": staff, "state": State.RUNNING, "attempt": 1} | fields
        return Task.objects.create(**given)

    return make


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """Return what lets a gated job go on."""
    return Gate(tmp_path)


@pytest.fixture
def gated(gate: Gate, staff: User) -> Callable[[], Task]:
    """Start tasks that a real worker runs and that go as far as the gate lets them."""

    def start() -> Task:
        task = TaskFactory.create(job="gated", owner=staff, params={"gate": str(gate.path), "more_stages": 0})
        assert outbox.publish(task)
        return task

    return start
