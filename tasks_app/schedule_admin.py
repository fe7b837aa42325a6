"""Schedules in the Django admin: when a job starts by itself, with the job's own form for its parameters."""

from copy import deepcopy
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tasks_app import registry
from tasks_app.permissions import may_start, startable_jobs
from tasks_app.schedule import MOST_OFTEN_S, START, Schedule, arguments, can_be_scheduled

PARAM = "param_"
TIMES = ("interval", "crontab")


class ScheduleForm(forms.ModelForm[Schedule]):
    """When, and for which job; the job's own fields are added for each job, under names that begin with `PARAM`."""

    job: registry.Job
    owner: Any

    class Meta:
        model = Schedule
        fields = ("name", "enabled", *TIMES, "start_time", "one_off")

    def clean(self) -> dict[str, Any]:
        """Want one time, not too often, and parameters that fit."""
        values = super().clean() or {}
        given = [name for name in TIMES if values.get(name)]
        if len(given) != 1:
            self.add_error(None, _("When? Choose an interval or a crontab, one of the two."))
        interval = values.get("interval")
        if interval and interval.schedule.run_every.total_seconds() < MOST_OFTEN_S:
            self.add_error(
                "interval",
                _("{interval}: expected {seconds} seconds or more.").format(interval=interval, seconds=MOST_OFTEN_S),
            )
        self._check_params()
        return values

    def _check_params(self) -> None:
        try:
            self.job.bind(self.params())
        except registry.BadParameters as error:
            for name, texts in error.errors.items():
                field = PARAM + name
                self.add_error(field if field in self.fields else None, list(texts))

    def params(self) -> dict[str, Any]:
        """The job's values as its widgets read them."""
        fields = self.job.form.base_fields
        return {
            name: field.widget.value_from_datadict(self.data, self.files, PARAM + name)
            for name, field in fields.items()
        }

    def save(self, commit: bool = True) -> Schedule:  # noqa: FBT001, FBT002  (Django's signature)
        """Keep the job, its parameters and who asked for it as the periodic task's arguments."""
        self.instance.task = START
        owner_id = self.instance.arguments.get("owner", self.owner.pk) if self.instance.pk else self.owner.pk
        self.instance.kwargs = arguments(self.instance.name, self.job.name, self.params(), owner_id)
        return super().save(commit)


def form_for(job: registry.Job, owner: Any, params: dict[str, Any]) -> type[ScheduleForm]:
    """The form of a schedule of this job; `params` are the values that it shows at first."""
    fields: dict[str, forms.Field] = {}
    for name, field in job.form.base_fields.items():
        fields[PARAM + name] = shown = deepcopy(field)
        shown.required = False  # the job's form itself says what is missing
        shown.initial = params.get(name, field.initial)
    return type("JobScheduleForm", (ScheduleForm,), {"job": job, "owner": owner, **fields})


@admin.register(Schedule)
class ScheduleAdmin(admin.ModelAdmin[Schedule]):
    """Adding asks for the job first."""

    list_display = ("name", "title", "when", "enabled", "last_run_at", "total_run_count")
    list_filter = ("enabled",)
    search_fields = ("name",)
    list_select_related = TIMES
    actions = None
    add_choice_template = "admin/tasks_app/schedule/choose.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Schedule]:
        """Only those that start jobs: the others are django-celery-beat's own pages' business."""
        return super().get_queryset(request).filter(task=START)

    @admin.display(description=gettext_lazy("job"))
    def title(self, schedule: Schedule) -> str:
        """What its job is called."""
        return registry.title_of(schedule.job)

    @admin.display(description=gettext_lazy("when"))
    def when(self, schedule: Schedule) -> str:
        """The time in words."""
        return str(schedule.crontab or schedule.interval or "")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Ask for the job, then show its form."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if "job" in request.GET:
            return super().add_view(request, form_url, extra_context)
        jobs = [job for job in startable_jobs(request.user) if can_be_scheduled(job)]
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": _("Which job?"), "jobs": jobs}
        return TemplateResponse(request, self.add_choice_template, context)

    def get_form(self, request: HttpRequest, obj: Schedule | None = None, *_: Any, **__: Any) -> type[ScheduleForm]:
        """The form with the job's own fields."""
        kept = obj.arguments if obj else {}
        job = registry.find(kept.get("job") or request.GET.get("job", ""))
        if job is None or not may_start(request.user, job) or not can_be_scheduled(job):
            raise PermissionDenied
        return form_for(job, request.user, kept.get("params", {}))

    def get_fieldsets(self, request: HttpRequest, obj: Schedule | None = None) -> list[Any]:
        """When, and with which parameters."""
        form = self.get_form(request, obj)
        own = [name for name in form.base_fields if not name.startswith(PARAM)]
        params = [name for name in form.base_fields if name.startswith(PARAM)]
        return [(form.job.title, {"fields": own}), (_("Parameters"), {"fields": params})]

    def has_view_permission(self, request: HttpRequest, obj: Schedule | None = None) -> bool:
        """A schedule whose job one may not start is not shown; nor one whose job is gone, which can only be deleted."""
        job = registry.find(obj.job) if obj else None
        allowed = obj is None or (job is not None and may_start(request.user, job))
        return allowed and super().has_view_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Schedule | None = None) -> bool:
        """As for viewing."""
        return self.has_view_permission(request, obj) and super().has_change_permission(request, obj)
