"""Prune tasks: forgets old tasks with their files. A schedule runs it daily."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from progress_app.words import fill
from tasks_app import conf, retention
from tasks_app.registry import job

if TYPE_CHECKING:
    from progress_app.reporter import Reporter


class PruneTasksForm(forms.Form):
    """What to keep; the defaults are the settings'."""

    days = forms.IntegerField(
        min_value=1,
        max_value=36_500,
        initial=lambda: conf.get().keep_days,
        label=_("Keep for days"),
        help_text=_("Tasks that ended longer ago are forgotten: 1 to 36,500 days."),
    )
    most = forms.IntegerField(
        min_value=1,
        max_value=100_000_000,
        initial=lambda: conf.get().keep_most,
        label=_("Keep at most"),
        help_text=_("Of the ended tasks only the newest so many are kept; children are kept with their parent."),
    )


@job(
    title=_("Prune tasks"),
    description=_("Forgets tasks that ended long ago, with their files."),
    form=PruneTasksForm,
    stages=[gettext_noop("Tasks"), gettext_noop("Files")],
    permission="tasks_app.delete_task",
    queue="long",
    unique_by=(),
    results={"tasks": _("Tasks forgotten"), "stray_files": _("Stray files removed")},
)
def prune_tasks(progress: "Reporter", *, days: int, most: int) -> dict[str, Any]:
    """Forget what is older than `days` or beyond the newest `most`, then the files that belong to nobody."""
    tasks = retention.expired(days=days, most=most)
    with progress.stage("Tasks", total=tasks.count(), unit="tasks", weight=9):
        count = 0
        for forgotten in retention.forget(tasks):
            count += forgotten
            progress.advance(forgotten)
    with progress.stage("Files"):
        files = retention.remove_strays()
    told = gettext("{tasks} tasks forgotten, {files} stray files removed")
    progress.log(fill(told, tasks=count, files=files))
    return {"tasks": count, "stray_files": files}
