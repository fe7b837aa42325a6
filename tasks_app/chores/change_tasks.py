"""Change many tasks: cancels or retries every one of a selection, and reports what came of each."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django import forms
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from progress_app.events import FINAL
from progress_app.words import fill
from tasks_app import lifecycle
from tasks_app.attachments import names_given
from tasks_app.chores._selection import SelectionForm, asked_by, selected, unit
from tasks_app.models import Task
from tasks_app.origin import coming_from
from tasks_app.registry import ANYBODY, PermanentJobError, job
from tasks_app.terms import SHORT_ID

if TYPE_CHECKING:
    from progress_app.reporter import Reporter
    from tasks_app.transitions import Transitions

VERBS: Final[Mapping[str, Callable[..., Task]]] = {"cancel": lifecycle.cancel, "retry": lifecycle.retry}
MOST_TOLD: Final = 500  # ids in the report, by which the list shows these tasks; the number is that of all


class ChangeTasksForm(SelectionForm):
    """Which tasks, by their ids or by a search, and what is to be done with them."""

    field_order = ("verb", "ids", "search", "scope")
    verb = forms.ChoiceField(label=_("What"), choices=[("cancel", _("Cancel")), ("retry", _("Run again"))])


def fitting(tasks: "Transitions", verb: str) -> "Transitions":
    """Those to which it can be done, of all that a search means; what was chosen one by one is tried, and told.

    A change of many is not repeated with the others: it would do once more what it did then.
    """
    if verb == "cancel":
        return tasks.unfinished()
    return tasks.filter(state__in=sorted(FINAL)).exclude(job=change_tasks.__name__)


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
        "verb": _("What"),
        "done": _("Done"),
        "refused": _("Refused"),
        "search": _("Search"),
        "selected": _("Selected"),
        "tasks": _("Tasks"),
    },
)
def change_tasks(progress: "Reporter", *, verb: str, ids: list[UUID], search: str, scope: str) -> dict[str, Any]:
    """Do it to each task as who started this one: what they may not do is refused here too.

    Where nothing at all was done it fails: nobody is to be told of a success.
    """
    asked = asked_by(progress.task)
    meant = selected(asked, ids, search, scope)
    keys = list((meant if ids else fitting(meant, verb)).values_list("pk", flat=True))
    changed, refused = list[UUID](), Counter[str]()
    for key in progress.track(keys, unit=unit(len(keys))):
        try:
            with coming_from(asked.origin):
                changed.append(VERBS[verb](Task.objects.get(pk=key), user=asked.owner).pk)
        except (lifecycle.Refused, Task.DoesNotExist) as error:
            refused[str(error)] += 1
            progress.log(f"{_called(key)}: {error}", level="warning")
    if not changed:
        raise PermanentJobError("nothing_changed", _nothing(refused))
    progress.update(message=_sum(verb, len(changed), refused.total()))
    return {
        "verb": verb,
        "done": len(changed),
        "refused": dict(refused),
        "search": search or None,
        "selected": len(keys),
        "tasks": [str(key) for key in changed[:MOST_TOLD]],
    }


def _called(key: UUID) -> str:
    """What people know a task by: its title, its files and the beginning of its id; of one that is gone that alone."""
    task, short = Task.objects.filter(pk=key).first(), str(key)[:SHORT_ID]
    return f"{', '.join([task.title, *names_given([key])[key]])} ({short})" if task else short


def _nothing(refused: Counter[str]) -> str:
    """Why none was changed."""
    if not refused:
        return gettext("Nothing was changed: no task matches any more.")
    count = refused.total()
    reasons = " ".join(refused) if len(refused) == 1 else " ".join(f"{n} × {text}" for text, n in refused.items())
    text = ngettext(
        "Nothing was changed: the task refuses. {reasons}", "Nothing was changed: all {count} tasks refuse. {reasons}",
        count,
    )  # fmt: skip
    return fill(text, count=count, reasons=reasons)


def _sum(verb: str, done: int, refused: int) -> str:
    """What came of it, in a line."""
    if verb == "cancel":
        text = ngettext("{count} task cancelled", "{count} tasks cancelled", done)
    else:
        text = ngettext("{count} task runs again", "{count} tasks run again", done)
    told = fill(text, count=done)
    return told if not refused else f"{told}; {fill(gettext('{count} refused'), count=refused)}"
