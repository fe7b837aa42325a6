"""The list of tasks."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from progress_app.channels import ROWS, audience_channel, user_channel
from tasks_app import conf
from tasks_app.permissions import visible_tasks


@require_safe
@login_required
def task_list(request: HttpRequest) -> HttpResponse:
    """The tasks that one may see: one's own, or with `?scope=all` all of them."""
    scope = "all" if request.GET.get("scope") == "all" else "mine"
    tasks = (
        visible_tasks(request.user)
        .filter(parent=None)
        .select_related("owner")
        .defer("log", "traceback", "result", "pace")
    )
    if scope == "mine":
        tasks = tasks.filter(owner_id=request.user.pk)
    page = Paginator(tasks.distinct(), conf.get().page_size).get_page(request.GET.get("page"))
    shown = {
        "page_obj": page,
        "scope": scope,
        "rows_channel": _rows_channel(request, scope),
        "may_see_all": request.user.is_staff or request.user.groups.exists(),
    }
    return render(request, "tasks_app/task_list.html", shown)


def _rows_channel(request: HttpRequest, scope: str) -> str:
    """The channel that carries the rows of all tasks in such a list."""
    if scope == "all" and request.user.is_staff:
        return ROWS
    return audience_channel(user_channel(request.user.pk))
