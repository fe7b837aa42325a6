"""`{% progress_widget task %}` in somebody else's template."""

import re
import time
import uuid
from typing import Any

import pytest
import redis
from django.http import HttpRequest
from django.template import Context, RequestContext, Template
from django.test import RequestFactory

from progress_app import connections
from progress_app.events import Fault, StageProgress, StageRef, StageState, State
from progress_app.templatetags.progress import unix_time
from tests.factories import TaskFactory
from tests.progress_app.doubles import TASK, snapshot

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "redis_db")]
SCRIPT = re.compile(r"<script[^>]*progress-bar[^>]*>")
EVIL = "\"'><script>alert(1)</script>"


@pytest.fixture
def request_(rf: RequestFactory) -> HttpRequest:
    request = rf.get("/shop/orders/")
    request.csp_nonce = "n0nce"  # type: ignore[attr-defined]
    return request


def drawn(source: str, request: HttpRequest | None = None, **values: Any) -> str:
    """The foreign template: two lines, the tag and its loading."""
    context = Context(values) if request is None else RequestContext(request, values)
    return Template("{% load progress %}\n" + source).render(context)


def report(**values: Any) -> None:
    connections.backend().publish(snapshot(**{"ts": time.time(), **values}))


def test_two_lines_draw_a_live_bar(request_: HttpRequest) -> None:
    report(percent=42.0, message="Loading rows")
    page = drawn("{% progress_widget task %}", request_, task=TASK)
    assert 'aria-valuenow="42"' in page
    assert "Loading rows" in page
    assert f'data-channel="task-{TASK}"' in page
    assert f'data-log-channel="task-{TASK}.log"' in page
    assert f'data-snapshot-url="/tasks/{TASK}/snapshot/"' in page
    assert 'data-events-url="/events/"' in page
    assert re.search(r'<link rel="stylesheet" href="[^"]*progress[^"]*\.css">', page)


def test_a_task_may_be_given_itself_or_by_its_id(request_: HttpRequest) -> None:
    task = TaskFactory.create()
    for given in (task, task.pk, str(task.pk)):
        page = drawn("{% progress_widget task %}", request_, task=given)
        assert f'data-channel="task-{task.pk}"' in page
        assert "Queued" in page


def test_a_task_that_nobody_knows_yet_waits(request_: HttpRequest) -> None:
    assert 'data-state="queued"' in drawn("{% progress_widget task %}", request_, task=uuid.uuid4())


def test_many_on_a_page_name_script_and_stylesheet_once_and_with_the_nonce(request_: HttpRequest) -> None:
    tasks = [str(uuid.uuid4()) for _ in range(5)]
    source = "{% for task in tasks %}{% progress_widget task size='compact' %}{% endfor %}"
    page = drawn(source, request_, tasks=tasks)
    [script] = SCRIPT.findall(page)
    assert 'nonce="n0nce"' in script
    assert 'type="module"' in script
    assert page.count("progress-bar class=") == 5
    assert page.count('rel="stylesheet"') == 1


def test_the_next_page_names_them_again(request_: HttpRequest, rf: RequestFactory) -> None:
    for request in (request_, rf.get("/")):
        assert len(SCRIPT.findall(drawn("{% progress_widget task %}", request, task=TASK))) == 1


def test_without_a_request_it_draws_without_a_nonce() -> None:
    page = drawn("{% progress_widget task %}", task=TASK)
    [script] = SCRIPT.findall(page)
    assert "nonce" not in script
    assert "<progress-bar" in page


def test_a_page_without_a_policy_has_no_empty_nonce(rf: RequestFactory) -> None:
    [script] = SCRIPT.findall(drawn("{% progress_widget task %}", rf.get("/"), task=TASK))
    assert "nonce" not in script


@pytest.mark.parametrize("size", ["huge", "", "Compact"])
def test_an_unknown_size_names_those_that_exist(request_: HttpRequest, size: str) -> None:
    with pytest.raises(ValueError, match=rf"size='{size}': expected one of bar, compact"):
        drawn("{% progress_widget task size=size %}", request_, task=TASK, size=size)


def test_the_compact_one_watches_no_log_and_shows_no_stages(request_: HttpRequest) -> None:
    report(stages=(StageProgress(name="Load"),))
    page = drawn("{% progress_widget task size='compact' %}", request_, task=TASK)
    assert 'data-size="compact"' in page
    assert "data-log-channel" not in page
    assert "<noscript>" not in page
    assert 'data-part="stages"' not in page


def test_without_javascript_a_frame_refreshes_until_the_end(request_: HttpRequest) -> None:
    report(percent=1.0)
    page = drawn("{% progress_widget task %}", request_, task=TASK)
    assert f'<iframe class="hp-frame" src="/tasks/{TASK}/widget/"' in page
    report(state=State.SUCCEEDED, percent=100.0)
    assert "<iframe" not in drawn("{% progress_widget task %}", request_, task=TASK)


def test_whatever_a_job_says_is_text(request_: HttpRequest) -> None:
    report(
        message=EVIL, unit=EVIL, current=1, total=2, percent=50.0, rate=2.0, job=EVIL,
        stages=(StageProgress(name=EVIL, state=StageState.RUNNING),), stage=StageRef(index=0, name=EVIL),
    )  # fmt: skip
    page = drawn("{% progress_widget task %}", request_, task=TASK)
    assert "<script>alert" not in page
    assert "&quot;&#x27;&gt;&lt;script&gt;" in page
    assert EVIL not in page


def test_an_error_is_text_too(request_: HttpRequest) -> None:
    report(state=State.FAILED, error=Fault(code="bad", text=EVIL))
    page = drawn("{% progress_widget task %}", request_, task=TASK)
    assert EVIL not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


@pytest.mark.parametrize("task", [EVIL, "../../admin", "task-1", "", None, 7])
def test_what_is_no_task_is_named(request_: HttpRequest, task: Any) -> None:
    with pytest.raises(ValueError, match=r"progress_widget task=.*: expected a task or its UUID"):
        drawn("{% progress_widget task %}", request_, task=task)


def test_with_redis_away_the_row_is_shown(request_: HttpRequest, settings: Any) -> None:
    settings.PROGRESS_REDIS_URL = "redis://127.0.0.1:1/0"
    task = TaskFactory.create(ended=True)
    assert 'data-state="succeeded"' in drawn("{% progress_widget task %}", request_, task=task)


def test_a_moment_is_shown_in_the_page_s_time_zone(redis_db: redis.Redis) -> None:
    assert drawn("{{ ts|unix_time|date:'Y-m-d H:i:s' }}", ts=1_790_000_000.5).strip() == "2026-09-21 14:13:20"
    assert unix_time(None) is None
