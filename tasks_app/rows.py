"""What a list of tasks begins with, for the stream's channels of rows; the project's PROGRESS_LISTING."""

from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import QuerySet

from progress_app.channels import ROWS, Kind, audience_channel, parse
from progress_app.listing import Listing
from progress_app.rows import SHOWN_FIRST
from tasks_app.models import Task
from tasks_app.permissions import visible_tasks
from tasks_app.record import snapshot_of

NOT_SHOWN = ("log", "traceback", "result", "params")


def listing(channel: str) -> Listing:
    """The newest unfinished tasks of the channel, and the channels on which their rows are announced."""
    parsed = parse(channel)
    if parsed.kind is Kind.TASKS:
        return Listing(snapshots=_unfinished(Task.objects.all()), sources=(ROWS,))
    user = get_user_model()._default_manager.filter(pk=parsed.subject).first()  # noqa: SLF001  (Django's own name)
    if user is None:
        return Listing()
    return Listing(snapshots=_unfinished(visible_tasks(user)), sources=_sources(user))


def _unfinished(tasks: QuerySet[Task]) -> list[Any]:
    """Oldest first, as a board keeps the newest at its end."""
    newest = tasks.unfinished().filter(parent=None).defer(*NOT_SHOWN).order_by("-created_at").distinct()[:SHOWN_FIRST]  # type: ignore[attr-defined]
    return [snapshot_of(task) for task in reversed(newest)]


def _sources(user: Any) -> tuple[str, ...]:
    if user.is_staff:
        return (ROWS,)
    groups = (audience_channel(f"group-{pk}") for pk in user.groups.values_list("pk", flat=True))
    return (audience_channel(f"user-{user.pk}"), *groups)
