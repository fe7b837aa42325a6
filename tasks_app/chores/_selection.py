"""Which tasks a chore is about: some by their ids, or all that a search means."""

from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from progress_app.words import fill
from tasks_app.advice import advise
from tasks_app.models import Task
from tasks_app.permissions import visible_tasks
from tasks_app.search import ALL, MINE, chosen
from tasks_app.terms import terms
from tasks_app.transitions import Transitions


class IdsField(forms.CharField):
    """Ids of tasks, separated by blanks; nobody reads them, so that their number is told."""

    def in_words(self, value: str) -> str:
        """How many they are."""
        count = len(value.split())
        return fill(ngettext("{count} task", "{count} tasks", count), count=count)


class SelectionForm(forms.Form):
    """The ticked tasks, or a search and whose tasks it is for."""

    ids = IdsField(
        label=_("Chosen tasks"), required=False, help_text=_("Their ids, separated by blanks; empty: the search.")
    )
    search = forms.CharField(label=_("Search"), required=False, help_text=_("As in the task list: state:failed orders"))
    scope = forms.ChoiceField(label=_("Whose tasks"), choices=[(MINE, _("Mine")), (ALL, _("All"))], required=False)

    def clean_ids(self) -> list[UUID]:
        """The ids as such."""
        try:
            return [UUID(text) for text in self.cleaned_data["ids"].split()]
        except ValueError as error:
            raise forms.ValidationError(_("These are not ids of tasks.")) from error

    def clean_search(self) -> str:
        """The search, if it can mean anything."""
        search = str(self.cleaned_data["search"])
        told = advise(terms([search]), found=True)
        if told:
            raise forms.ValidationError([advice.text for advice in told])
        return search


def selected(asked: Task, ids: list[UUID], search: str, scope: str) -> Transitions:
    """The tasks that are meant and that who started `asked` may see, newest first; that one is never among them."""
    tasks = visible_tasks(asked.owner).filter(pk__in=ids) if ids else chosen(asked.owner, terms([search]), scope)
    return tasks.exclude(pk=asked.pk).order_by("-created_at")


def unit(count: int) -> str:
    """What so many are called."""
    return "task" if count == 1 else "tasks"


def asked_by(task_id: Any) -> Task:
    """The chore's own task, with who started it."""
    asked: Task = Task.objects.select_related("owner").get(pk=task_id)
    return asked
