"""What a signed link opens, without a login: a page with the bar, its snapshot, a badge, and the result if it says so.

Each asks the link first; one that is not valid is a 404, whatever is wrong with it. Nothing else is readable.
"""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from progress_app import polling
from progress_app.events import Snapshot
from progress_app.present import present
from progress_app.widget import context
from tasks_app import registry, sharing
from tasks_app.download import download
from tasks_app.outputs import given_back, templates
from tasks_app.sharing import Scope, Shared

MOST_A_MINUTE: Final = 240  # requests by one link, a process: a page asks 30 times, and may be open often
MINUTE_S: Final = 60
FRESH_S: Final = 5  # how long a badge of a running task may be kept by a proxy
FRESH_ENDED_S: Final = 60  # and one of an ended task: a revoked link is dead so late at most
POLL_S: Final = "2"
# A link needs no cookie, so a page of another origin learns by it what anybody does who has it.
FROM_ANYWHERE: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "If-None-Match",
    "Access-Control-Expose-Headers": "ETag, Retry-After",
    "Access-Control-Max-Age": "3600",
}

Door = Callable[..., HttpResponseBase]


def _by_link(scope: Scope) -> Callable[[Door], Door]:
    """Open the door to who brings a valid link of this scope, and not too often."""

    def wrap(door: Door) -> Door:
        @require_http_methods(["GET", "HEAD", "OPTIONS"])
        @login_not_required
        @wraps(door)
        def guarded(request: HttpRequest, token: str, **asked: Any) -> HttpResponseBase:
            shared = sharing.opened(token, scope=scope)
            if shared is None:
                response: HttpResponseBase = _gone(request)
            elif request.method == "OPTIONS":
                response = _too_often(shared) or HttpResponse(status=204)
            else:
                response = _too_often(shared) or door(request, shared, **asked)
            for name, value in FROM_ANYWHERE.items():
                response[name] = value
            response["X-Robots-Tag"] = "noindex"
            response["Referrer-Policy"] = "no-referrer"  # the address is the key
            return response

        return guarded

    return wrap


def _gone(request: HttpRequest) -> HttpResponse:
    """The same answer to a link that ended, was revoked, or never was: which of them is nobody's business."""
    answer = render(request, "tasks_app/link_gone.html", status=404)
    answer["Cache-Control"] = "private, no-store"
    return answer


def _too_often(shared: Shared) -> HttpResponse | None:
    """A 429 when a link is asked for more often than pages and badges do."""
    key = f"shared-{shared.task.pk}-{int(time.time()) // MINUTE_S}"
    cache.add(key, 0, timeout=2 * MINUTE_S)
    if cache.incr(key) <= MOST_A_MINUTE:
        return None
    refusal = HttpResponse(_("Too many requests for this link; try again in a minute."), status=429)
    refusal["Retry-After"] = str(MINUTE_S)
    return refusal


@_by_link(Scope.PAGE)
def page(request: HttpRequest, shared: Shared) -> HttpResponse:
    """The bar of a task, live by asking, and with a link of that scope what came of it."""
    token = request.resolver_match.kwargs["token"] if request.resolver_match else ""
    shown = {"token": token, "ends_at": shared.ends_at, **context(_snapshot(shared))}
    if shared.has_result:
        shown |= _result(shared)
    response = render(request, "tasks_app/shared.html", shown)
    response["Cache-Control"] = "private, no-store"
    return response


def _result(shared: Shared) -> dict[str, Any]:
    """What such a page tells beside the bar. Files that the task was given are named, and stay where they are."""
    task, files = shared.task, list(shared.task.attachments.all())
    return {
        "task": task,
        "names": [file.name for file in files if file.field],
        "files": [file for file in files if not file.field],
        "given_back": given_back(registry.find(task.job), task.result),
        "result_templates": templates(registry.find(task.job)),
    }


@_by_link(Scope.RESULT)
def file(request: HttpRequest, shared: Shared, file_id: int, name: str) -> HttpResponseBase:
    """Download a file that the task made."""
    attachment = shared.task.attachments.filter(pk=file_id, field="").first()
    if attachment is None or attachment.name != name:
        return _gone(request)
    try:
        response = download(request, attachment)
    except FileNotFoundError:
        return _gone(request)
    response["Cache-Control"] = "private, no-store"
    return response


@_by_link(Scope.PAGE)
def snapshot(request: HttpRequest, shared: Shared) -> HttpResponse:
    """The snapshot behind that page, with an ETag."""
    shown = _snapshot(shared)
    etag = polling.etag(shown)
    plain = HttpResponse(shown.to_json(), content_type="application/json")
    response = get_conditional_response(request, etag=etag) or plain
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    if not shown.is_final:
        response["Retry-After"] = POLL_S
    return response


@_by_link(Scope.BADGE)
def badge(request: HttpRequest, shared: Shared) -> HttpResponse:
    """A small picture of the state and the percentage, for wikis and e-mails."""
    shown = _snapshot(shared)
    percent = "" if shown.percent is None else f"{int(shown.percent)}%"
    etag = f'"{shown.state}-{percent}"'
    fresh_s = FRESH_ENDED_S if shown.is_final else FRESH_S
    drawn = render(request, "tasks_app/badge.svg", {"task": shared.task, "snapshot": shown}, "image/svg+xml")
    response = get_conditional_response(request, etag=etag) or drawn
    response["ETag"] = etag
    response["Cache-Control"] = f"public, max-age={fresh_s}"
    response["Expires"] = http_date(time.time() + fresh_s)
    return response


def _snapshot(shared: Shared) -> Snapshot:
    return present(str(shared.task.pk)) or Snapshot(task=str(shared.task.pk))
