"""The list of tasks: what one looks for stands in its address, and many may be changed at once."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from progress_app.channels import ROWS, audience_channel, user_channel
from tasks_app import conf, lifecycle
from tasks_app.models import Attachment
from tasks_app.paging import BoundedPaginator
from tasks_app.record import snapshot_of
from tasks_app.registry import BadParameters
from tasks_app.search import ALL, MINE, ORDERS, Term, chosen, searched_since, suggestions, terms
from tasks_app.views.verb import answer

UNSHOWN = ("log", "traceback", "result", "pace", "past_attempts", "params")


@require_safe
@login_required
def task_list(request: HttpRequest) -> HttpResponse:
    """The tasks that one may see and that `?q=` means: one's own, or with `?scope=all` all of them."""
    wanted, scope = terms(request.GET.getlist("q")), _scope(request.GET)
    order = request.GET.get("sort", "newest")
    tasks = chosen(request.user, wanted, scope).order_by(ORDERS.get(order, ORDERS["newest"]), "-created_at")
    files = Attachment.objects.exclude(field="").only("task_id", "name")
    rows = tasks.select_related("owner").defer(*UNSHOWN).prefetch_related(Prefetch("attachments", files, "given"))
    page = BoundedPaginator(rows, conf.get().page_size).get_page(request.GET.get("page"))
    shown = {
        "page_obj": page,
        # An end is in the row: asking Redis and the database again for each would be most of the page's time.
        "rows": [(task, snapshot_of(task) if task.is_final else None) for task in page],
        "scope": scope,
        "searched_since": searched_since(request.user, wanted, scope),
        "rows_channel": _rows_channel(request, scope),
        "may_see_all": request.user.is_staff or request.user.groups.exists(),
        "chips": [_chip(term, wanted, request.GET) for term in wanted],
        "suggestions": suggestions(),
        "orders": _orders(),
        "order": order if order in ORDERS else "newest",
    }
    return render(request, "tasks_app/task_list.html", shown)


def _scope(given: Mapping[str, Any]) -> str:
    return ALL if given.get("scope") == ALL else MINE


def _rows_channel(request: HttpRequest, scope: str) -> str:
    """The channel that carries the rows of all tasks in such a list."""
    if scope == ALL and request.user.is_staff:
        return ROWS
    return audience_channel(user_channel(request.user.pk))


def _chip(term: Term, wanted: list[Term], given: QueryDict) -> dict[str, str]:
    """A term and the address of the list without it."""
    without = given.copy()
    without.setlist("q", [str(other) for other in wanted if other != term])
    without.pop("page", None)
    return {"text": str(term), "without": f"?{without.urlencode()}"}


def _orders() -> list[tuple[str, str]]:
    return [("newest", _("newest")), ("oldest", _("oldest")), ("job", _("job")), ("state", _("state"))]


@require_POST
@login_required
def many(request: HttpRequest) -> HttpResponse:
    """Cancel, retry or export the ticked tasks, or with `every` all that the search means: as a task of its own."""
    given = request.POST
    search, scope = " ".join(map(str, terms(given.getlist("q")))), _scope(given)
    ids = "" if "every" in given else " ".join(given.getlist("pick"))
    if given.get("verb") == "export":
        job, data = "export_tasks", {"kind": given.get("kind", "csv"), "search": search, "scope": scope}
    elif ids or "every" in given:
        job, data = "change_tasks", {"verb": given.get("verb", ""), "ids": ids, "search": search, "scope": scope}
    else:
        messages.warning(request, _("No task was chosen: tick some, or all that match."))
        return redirect("tasks:list")
    try:
        return answer(request, partial(lifecycle.enqueue, job, user=request.user, data=data), otherwise="tasks:list")
    except BadParameters as error:
        messages.warning(request, str(error))
        return redirect("tasks:list")
