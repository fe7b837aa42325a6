"""What a page loads of our modules is all named by the page itself, so that nothing is found only later."""

from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from progress_app.events import State
from tasks_app.models import Task
from tasks_app.sharing import Scope, link_token
from tests.browser import steps
from tests.stack import Stack

OURS = ("/static/tasks_app/", "/static/progress_app/")
NAMED = """() => [...document.querySelectorAll("link[rel=modulepreload], script[type=module]")]
    .map((element) => new URL(element.href ?? element.src).pathname)"""


@pytest.fixture
def paths(running_task: Callable[..., Task]) -> list[str]:
    """Return pages of every kind."""
    task = running_task(state=State.RUNNING)
    shared = link_token(task, scope=Scope.PAGE, days=1)
    pages = ["/", "/jobs/profile_csv/", "/tasks/", task.get_absolute_url(), "/ops/", "/doctor/", f"/shared/{shared}/"]
    return [*pages, "/admin/tasks_app/task/", f"/admin/tasks_app/task/{task.pk}/change/"]


def test_each_module_is_named_by_the_page_and_comes_once(live: Stack, member: Page, paths: list[str]) -> None:
    asked: list[str] = []
    complaints: list[str] = []
    member.on("request", lambda request: asked.append(urlsplit(request.url).path))
    member.on("console", lambda told: complaints.append(told.text) if told.type in ("error", "warning") else None)
    for path in paths:
        asked.clear()
        member.goto(live.url + path)
        if member.locator("progress-bar").count():
            steps.wait_for(member, lambda: member.locator("progress-bar[data-connection]").count(), "the bar's module")
        modules = Counter(path for path in asked if path.startswith(OURS) and path.endswith(".js"))
        assert set(modules) == set(member.evaluate(NAMED)), path
        assert set(modules.values()) == {1}, path
        assert complaints == [], path
