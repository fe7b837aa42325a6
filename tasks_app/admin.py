"""Tasks in the Django admin: a record to read, with cancel and retry through `lifecycle`."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from progress_app.channels import ROWS
from progress_app.events import Snapshot
from progress_app.widget import context
from tasks_app import lifecycle, registry, schedule_admin  # noqa: F401  (registers the schedules)
from tasks_app.models import Attachment, AuditEntry, Task


class AttachmentInline(admin.TabularInline[Attachment, Task]):
    """The files of a task."""

    model = Attachment
    fields = readonly_fields = ("name", "size", "content_type", "created_at")
    extra = 0
    can_delete = False

    def has_add_permission(self, _request: HttpRequest, _obj: Task | None = None) -> bool:
        """Files come from forms and jobs."""
        return False


class AuditInline(admin.TabularInline[AuditEntry, Task]):
    """Who did what with a task."""

    model = AuditEntry
    fields = readonly_fields = ("at", "name", "verb", "detail", "origin")
    extra = 0
    can_delete = False

    def has_add_permission(self, _request: HttpRequest, _obj: Task | None = None) -> bool:
        """It is written by the deeds themselves."""
        return False


@admin.register(Task)
class TaskAdmin(admin.ModelAdmin[Task]):
    """The list costs the same number of queries whatever its length."""

    list_display = ("short_id", "title", "bar", "owner", "created_at", "duration", "worker")
    list_display_links = ("short_id", "title")
    list_select_related = ("owner",)
    list_filter = ("state", "job", "created_at")
    list_per_page = 50
    search_fields = ("id__startswith", "job", "owner__username", "message", "error_text")
    show_full_result_count = False  # counting a million rows is slow and says little
    actions = ("cancel", "retry")
    inlines = (AttachmentInline, AuditInline)
    exclude: ClassVar[tuple[str, ...]] = ("snapshot", "log", "pace")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Task]:
        """Without the fields that only a task's own page shows."""
        tasks = super().get_queryset(request)
        return (
            tasks
            if "object_id" in self._arguments(request)
            else tasks.defer("log", "traceback", "result", "params", "pace")
        )

    @staticmethod
    def _arguments(request: HttpRequest) -> dict[str, Any]:
        match = request.resolver_match
        return match.kwargs if match else {}

    def get_readonly_fields(self, _request: HttpRequest, _obj: Task | None = None) -> list[str]:
        """All of them: a record is not edited."""
        hidden = {*self.exclude, "id"}
        return ["id", *(field.name for field in self.opts.fields if field.name not in hidden)]

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """Tasks are started from the catalogue."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Task | None = None) -> bool:
        """A record is not deleted by hand."""
        return False

    @admin.display(description="task", ordering="id")
    def short_id(self, task: Task) -> str:
        """Enough of the UUID to tell tasks apart."""
        return str(task.pk)[:8]

    @admin.display(description="job", ordering="job")
    def title(self, task: Task) -> str:
        """The job's title, its name when it is gone from the code."""
        job = registry.find(task.job)
        return str(job.title) if job else task.job

    @admin.display(description="progress", ordering="percent")
    def bar(self, task: Task) -> SafeString:
        """A bar with its figure and state, live."""
        widget = context(Snapshot(task=str(task.pk)))
        shown = {"task": task, "widget": widget, "rows_channel": ROWS}
        return render_to_string("admin/tasks_app/task/_bar.html", shown)

    @admin.display(description="duration")
    def duration(self, task: Task) -> str:
        """How long it ran, in seconds."""
        return "" if task.duration_s is None else f"{task.duration_s:,.1f} s"

    @admin.action(description="Cancel the selected tasks", permissions=["change"])
    def cancel(self, request: HttpRequest, tasks: QuerySet[Task]) -> None:
        """Cancel those that have not ended."""
        self._each(request, tasks, lifecycle.cancel, "cancelled")

    @admin.action(description="Retry the selected tasks", permissions=["change"])
    def retry(self, request: HttpRequest, tasks: QuerySet[Task]) -> None:
        """Run those that have ended again, as new tasks."""
        self._each(request, tasks, lifecycle.retry, "started again")

    def _each(self, request: HttpRequest, tasks: QuerySet[Task], verb: Callable[..., Task], done: str) -> None:
        """Do it to each, and say how many took it and why the others did not."""
        count, reasons = 0, set[str]()
        for task in tasks:
            try:
                verb(task, user=request.user)
            except lifecycle.Refused as error:
                reasons.add(str(error))
            else:
                count += 1
        self.message_user(request, f"{count} of {len(tasks)} tasks {done}.", messages.SUCCESS)
        for reason in sorted(reasons):
            self.message_user(request, reason, messages.WARNING)
