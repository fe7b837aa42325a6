"""Change many tasks: cancels or retries every one of a selection, and reports what came of each."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from tasks_app import lifecycle
from tasks_app.models import Task
from tasks_app.origin import coming_from
from tasks_app.permissions import visible_tasks
from tasks_app.registry import ANYBODY, job
from tasks_app.search import ALL, MINE, chosen, terms

if TYPE_CHECKING:
    from progress_app.reporter import Reporter

VERBS: dict[str, Callable[..., Task]] = {"cancel": lifecycle.cancel, "retry": lifecycle.retry}


class ChangeTasksForm(forms.Form):
    """Which tasks, by their ids or by a search, and what is to be done with them."""

    verb = forms.ChoiceField(label=_("What"), choices=[("cancel", _("Cancel")), ("retry", _("Run again"))])
    ids = forms.CharField(label=_("Task ids"), required=False, help_text=_("Separated by blanks; empty: the search."))
    search = forms.CharField(label=_("Search"), required=False, help_text=_("As in the task list: state:failed orders"))
    scope = forms.ChoiceField(label=_("Whose tasks"), choices=[(MINE, _("Mine")), (ALL, _("All"))], required=False)

    def clean_ids(self) -> list[UUID]:
        """The ids as such."""
        try:
            return [UUID(text) for text in self.cleaned_data["ids"].split()]
        except ValueError as error:
            raise forms.ValidationError(_("These are not ids of tasks.")) from error


@job(
    title=_("Change many tasks"),
    description=_("Cancels or repeats every task of a selection, and reports what came of it."),
    form=ChangeTasksForm,
    permission=ANYBODY,
    queue="urgent",  # who cancels many waits neither behind them nor for their slots
    priority=0,
    restartable=False,
    unlisted=True,
    results={
        "done": _("Done"),
        "refused": _("Refused"),
        "search": _("Search"),
        "selected": _("Selected"),
    },
)
def change_tasks(progress: "Reporter", *, verb: str, ids: list[UUID], search: str, scope: str) -> dict[str, Any]:
    """Do it to each task as who started this one: what they may not do is refused here too."""
    asked = Task.objects.select_related("owner").get(pk=progress.task)
    user = asked.owner
    tasks = visible_tasks(user).filter(pk__in=ids) if ids else chosen(user, terms([search]), scope)
    keys = list(tasks.exclude(pk=progress.task).order_by("-created_at").values_list("pk", flat=True))
    done, refused = 0, Counter[str]()
    for key in progress.track(keys, unit="tasks"):
        try:
            with coming_from(asked.origin):
                VERBS[verb](Task.objects.get(pk=key), user=user)
            done += 1
        except (lifecycle.Refused, Task.DoesNotExist) as error:
            refused[str(error)] += 1
            progress.log(f"{key}: {error}", level="warning")
    return {"done": done, "refused": dict(refused), "search": search or None, "selected": len(keys)}
