"""Tasks in the Django admin: a record to read, with cancel and retry of many as in the task list."""

from typing import Any, ClassVar, Final, cast

from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet, ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.functional import lazy
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from progress_app.channels import ROWS
from progress_app.events import Snapshot
from progress_app.widget import context
from progress_app.words import fill, said
from tasks_app import lifecycle, registry, schedule_admin  # noqa: F401  (registers the schedules)
from tasks_app.audit import Deed, trail
from tasks_app.models import Attachment, AuditEntry, Task
from tasks_app.paging import BoundedPaginator
from tasks_app.search import ALL, MOST_SEARCHED, narrowed, searched_since
from tasks_app.terms import terms

UNSHOWN: Final = ("log", "traceback", "result", "params", "pace")
RECORD: Final = {
    _("What it is"): ("id", "job", "own_title", "owner", "group", "origin", "params", "retry_of", "parent"),
    _("How it went"): ("state", "attempt", "worker", "percent", "message", "created_at", "started_at", "finished_at"),
    _("How it ended"): ("result", "error_code", "why", "trace", "past_attempts"),
}
MOST_AT_ONCE: Final = 10_000  # their ids are the parameters of one task: 370 KB


def _told_of_search() -> str:
    text = gettext("As in the task list: state:failed orders. A word is looked for in the newest {count} tasks.")
    return fill(text, count=MOST_SEARCHED)


class AttachmentInline(admin.TabularInline[Attachment, Task]):
    """The files of a task."""

    model = Attachment
    template = "admin/tasks_app/task/_inline.html"
    fields = readonly_fields = ("download", "size", "content_type", "created_at")
    extra = 0
    can_delete = False

    def has_add_permission(self, _request: HttpRequest, _obj: Task | None = None) -> bool:
        """Files come from forms and jobs."""
        return False

    @admin.display(description=_("file"))
    def download(self, file: Attachment) -> SafeString:
        """Its name, and the way to it."""
        return render_to_string("admin/tasks_app/task/_file.html", {"file": file})


class TrailFormSet(BaseInlineFormSet[AuditEntry, Task, ModelForm[AuditEntry]]):
    """The audit of a task with its start, which is no entry of its own: as the task's page has it."""

    def trail(self) -> list[Deed]:
        """Who did what, oldest first."""
        return trail(self.instance)


class AuditInline(admin.TabularInline[AuditEntry, Task]):
    """Who did what with a task."""

    model = AuditEntry
    formset = TrailFormSet
    template = "admin/tasks_app/task/_trail.html"
    fields = readonly_fields = ("at",)
    extra = 0
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        """None: the trail reads them itself."""
        return super().get_queryset(request).none()

    def has_add_permission(self, _request: HttpRequest, _obj: Task | None = None) -> bool:
        """It is written by the deeds themselves."""
        return False


class JobFilter(admin.SimpleListFilter):
    """By job: those of the catalogue, as asking a million rows which they name takes long; any other by its address."""

    title = _("job")
    parameter_name = "job"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        """Name and title of each job."""
        return [(job.name, str(job.title)) for job in registry.all_jobs()]

    def queryset(self, _request: HttpRequest, tasks: QuerySet[Task]) -> QuerySet[Task]:
        """Those of the job that was chosen."""
        return tasks.filter(job=self.value()) if self.value() else tasks


@admin.register(Task)
class TaskAdmin(admin.ModelAdmin[Task]):
    """The list costs the same number of queries whatever its length."""

    list_display = ("short_id", "title", "page", "bar", "owner", "asked", "duration", "worker")
    list_display_links = ("short_id", "title")
    list_filter = ("state", JobFilter, "created_at")
    sortable_by = ("short_id", "title", "asked")  # what an index has the order of: the others would sort a million rows
    list_per_page = 50
    paginator = BoundedPaginator
    search_help_text = lazy(_told_of_search, str)()
    search_fields = ("id",)  # so that there is a search; it is that of the task list
    show_full_result_count = False  # counting a million rows is slow and says little
    actions = ("cancel", "retry")
    inlines = (AttachmentInline, AuditInline)
    exclude: ClassVar[tuple[str, ...]] = ("snapshot", "log", "pace", "error_text", "traceback")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Task]:
        """A list without the fields that only a task's own page shows, and without children, unless it is a search."""
        tasks = super().get_queryset(request)
        if "object_id" in self._arguments(request):
            return tasks
        listed = tasks if request.GET.get(SEARCH_VAR) else tasks.filter(parent=None)
        # The owners by a query of their own: a join makes SQLite sort a million rows.
        return listed.defer(*UNSHOWN).prefetch_related("owner")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Task], search_term: str
    ) -> tuple[QuerySet[Task], bool]:
        """As in the task list: the same terms and words find the same."""
        wanted = terms([search_term])
        found = narrowed(cast("Any", queryset), wanted, searched_since(request.user, wanted, ALL))
        return found, False

    @staticmethod
    def _arguments(request: HttpRequest) -> dict[str, Any]:
        match = request.resolver_match
        return match.kwargs if match else {}

    def get_readonly_fields(self, _request: HttpRequest, _obj: Task | None = None) -> list[str]:
        """All of them: a record is not edited."""
        hidden = {*self.exclude, "id"}
        return ["id", *(field.name for field in self.opts.fields if field.name not in hidden), "why", "trace"]

    def get_fieldsets(self, request: HttpRequest, obj: Task | None = None) -> list[Any]:
        """What people look for first, and the rest folded away."""
        shown = [(title, {"fields": fields}) for title, fields in RECORD.items()]
        first = {name for fields in RECORD.values() for name in fields}
        rest = [name for name in self.get_readonly_fields(request, obj) if name not in first]
        return [*shown, (_("Inner workings"), {"fields": rest, "classes": ["collapse"]})]

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """Tasks are started from the catalogue."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Task | None = None) -> bool:
        """A record is not deleted by hand."""
        return False

    @admin.display(description=_("task"), ordering="id")
    def short_id(self, task: Task) -> str:
        """Enough of the UUID to tell tasks apart."""
        return str(task.pk)[:8]

    @admin.display(description=_("job"), ordering="job")
    def title(self, task: Task) -> str:
        """The job's title, its name when it is gone from the code."""
        return registry.title_of(task.job)

    @admin.display(description=_("text of the error"))
    def why(self, task: Task) -> str:
        """Why it ended badly, in the reader's language where the project has the words."""
        return said(task.error_text) or self.get_empty_value_display()

    @admin.display(description=_("traceback"))
    def trace(self, task: Task) -> str:
        """Where the job was then."""
        if not task.traceback:
            return self.get_empty_value_display()
        return render_to_string("admin/tasks_app/task/_traceback.html", {"traceback": task.traceback})

    @admin.display(description=_("progress"), ordering="percent")
    def bar(self, task: Task) -> SafeString:
        """A bar with its figure and state, live."""
        widget = context(Snapshot(task=str(task.pk)), rows=ROWS)
        shown = {"task": task, "widget": widget}
        return render_to_string("admin/tasks_app/task/_bar.html", shown)

    @admin.display(description=_("asked for"), ordering="created_at")
    def asked(self, task: Task) -> str:
        """When, short enough for a line."""
        return date_format(timezone.localtime(task.created_at), "Y-m-d H:i")

    @admin.display(description=_("duration"))
    def duration(self, task: Task) -> str:
        """How long it ran, in seconds."""
        return "" if task.duration_s is None else f"{task.duration_s:,.1f} s"

    @admin.display(description=_("page"))
    def page(self, task: Task) -> SafeString:
        """The way to the task's own page."""
        return render_to_string("admin/tasks_app/task/_page.html", {"task": task})

    def view_on_site(self, task: Task) -> str:
        """The same way from the record."""
        return task.get_absolute_url()

    @admin.action(description=_("Cancel the selected tasks"), permissions=["change"])
    def cancel(self, request: HttpRequest, tasks: QuerySet[Task]) -> HttpResponse | None:
        """Cancel those that have not ended."""
        return self._change(request, tasks, "cancel")

    @admin.action(description=_("Retry the selected tasks"), permissions=["change"])
    def retry(self, request: HttpRequest, tasks: QuerySet[Task]) -> HttpResponse | None:
        """Run those that have ended again, as new tasks."""
        return self._change(request, tasks, "retry")

    def _change(self, request: HttpRequest, tasks: QuerySet[Task], verb: str) -> HttpResponse | None:
        """Start the task that does it to each, and show its record, live; it reports what came of every one."""
        keys = list(tasks.values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
        if len(keys) > MOST_AT_ONCE:
            text = gettext("At most {most} at once: filter further, or use the task list, which takes all that match.")
            self.message_user(request, text.format(most=number_format(MOST_AT_ONCE)), messages.WARNING)
            return None
        data = {"verb": verb, "ids": " ".join(map(str, keys)), "scope": ALL}
        task = lifecycle.enqueue("change_tasks", user=request.user, data=data)
        text = gettext("One task changes all {count}: this is it.").format(count=number_format(len(keys)))
        self.message_user(request, text, messages.INFO)
        return redirect("admin:tasks_app_task_change", task.pk)
