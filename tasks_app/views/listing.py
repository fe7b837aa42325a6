"""The list of tasks: what one looks for stands in its address."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from progress_app.channels import ROWS, audience_channel, user_channel
from tasks_app import attachments, conf
from tasks_app.advice import advise
from tasks_app.models import Task
from tasks_app.paging import BoundedPaginator, SearchPaginator
from tasks_app.record import snapshot_of
from tasks_app.registry import is_chore
from tasks_app.search import ALL, ORDERS, chosen, searched_since
from tasks_app.terms import Term, terms
from tasks_app.transitions import Transitions
from tasks_app.views.filters import chips, corrections, orders, quick_links, scope_of, suggestions

UNSHOWN = ("log", "traceback", "result", "pace", "past_attempts", "params")


@require_safe
@login_required
def task_list(request: HttpRequest) -> HttpResponse:
    """The tasks that one may see and that `?q=` means: one's own, or with `?scope=all` all of them."""
    wanted, scope = terms(request.GET.getlist("q")), scope_of(request.GET)
    order = request.GET.get("sort", "newest")
    tasks = chosen(request.user, wanted, scope).order_by(ORDERS.get(order, ORDERS["newest"]), "-created_at")
    page = _paginator(tasks, wanted).get_page(request.GET.get("page"))
    shown = {
        "page_obj": page,
        # An end is in the row: asking Redis and the database again for each would be most of the page's time.
        "rows": [(task, snapshot_of(task) if task.is_final else None, is_chore(task.job)) for task in page],
        "scope": scope,
        "searched_since": searched_since(request.user, wanted, scope),
        "rows_channel": _rows_channel(request, scope),
        "may_see_all": request.user.is_staff or request.user.groups.exists(),
        "chips": chips(wanted, request.GET),
        "quick_links": quick_links(wanted, request.GET),
        "corrections": corrections(advise(wanted, found=bool(page)), wanted, request.GET),
        "suggestions": suggestions(),
        "orders": orders(),
        "order": order if order in ORDERS else "newest",
    }
    return render(request, "tasks_app/task_list.html", shown)


def _paginator(tasks: Transitions, wanted: list[Term]) -> BoundedPaginator:
    """Pages of these tasks; to find words many rows are read, which is done once."""

    def shown(rows: Transitions) -> Transitions:
        return rows.select_related("owner").defer(*UNSHOWN).prefetch_related(attachments.given())

    if all(term.key for term in wanted):
        return BoundedPaginator(shown(tasks), conf.get().page_size)
    return SearchPaginator(tasks, shown(Task.objects.all()), conf.get().page_size)


def _rows_channel(request: HttpRequest, scope: str) -> str:
    """The channel that carries the rows of all tasks in such a list."""
    if scope == ALL and request.user.is_staff:
        return ROWS
    return audience_channel(user_channel(request.user.pk))
