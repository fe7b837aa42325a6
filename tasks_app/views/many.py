"""Changes or exports many tasks at once, as a task of its own; before all that match are changed it asks."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tasks_app import lifecycle
from tasks_app.chores.change_tasks import VERBS, fitting
from tasks_app.paging import BoundedPaginator
from tasks_app.registry import BadParameters
from tasks_app.search import chosen
from tasks_app.terms import Term, terms
from tasks_app.views.filters import scope_of
from tasks_app.views.verb import answer


@require_POST
@login_required
def many(request: HttpRequest) -> HttpResponse:
    """Cancel, retry or export the ticked tasks, or with `every` all that the search means.

    An export of none in particular is one of all. A change of all is asked for once more, unless it is `confirmed`.
    """
    given, wanted = request.POST, terms(request.POST.getlist("q"))
    verb, picked = given.get("verb", ""), [] if "every" in given else given.getlist("pick")
    search = "" if picked else " ".join(map(str, wanted))
    selection = {"ids": " ".join(picked), "search": search, "scope": scope_of(given)}
    if verb == "export":
        return _start(request, "export_tasks", {"kind": given.get("kind", "csv"), **selection})
    if not picked and "every" not in given:
        messages.warning(request, _("No task was chosen: tick some, or all that match."))
        return redirect(_list(request, wanted))
    if not picked and verb in VERBS and "confirmed" not in given:
        return _ask(request, verb, wanted)
    return _start(request, "change_tasks", {"verb": verb, **selection})


def _start(request: HttpRequest, job: str, data: dict[str, Any]) -> HttpResponse:
    try:
        return answer(request, partial(lifecycle.enqueue, job, user=request.user, data=data), otherwise="tasks:list")
    except BadParameters as error:
        messages.warning(request, " ".join(text for texts in error.errors.values() for text in texts))
        return redirect("tasks:list")


def _ask(request: HttpRequest, verb: str, wanted: list[Term]) -> HttpResponse:
    """How many it would be, of which so many cannot be changed so, and whether that is meant."""
    scope = scope_of(request.POST)
    tasks = chosen(request.user, wanted, scope)
    counted = {"all": _counted(tasks), "fit": _counted(fitting(tasks, verb))}
    shown = {"verb": verb, "wanted": wanted, "scope": scope, "back": _list(request, wanted)}
    return render(request, "tasks_app/confirm.html", shown | counted)


def _counted(tasks: Any) -> BoundedPaginator:
    return BoundedPaginator(tasks, 1)


def _list(request: HttpRequest, wanted: list[Term]) -> str:
    """The list that was looked at."""
    query = {"q": list(map(str, wanted)), "scope": scope_of(request.POST)}
    return f"{reverse('tasks:list')}?{urlencode(query, doseq=True)}"
