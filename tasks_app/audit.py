"""Who did what with a task, when and from where; kept as long as the task.

The start is not written a second time: the task's own row has its owner, its time and its origin.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from tasks_app import origin
from tasks_app.models import AuditEntry, Task

# As they are shown; the stored word is the key.
VERBS = {
    "started": _("started it"),
    "joined": _("asked for the same and joined it"),
    "cancelled": _("asked to cancel it"),
    "retried": _("ran it again"),
    "changed": _("ran it again with changed input"),
    "shared": _("shared it by a link"),
    "shared_result": _("shared it with its result by a link"),
    "unshared": _("took the shared links back"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One line of the trail. `who` is a user's name, empty for the project itself; `detail` is a short text."""

    verb: str
    who: str
    at: datetime
    origin: str
    detail: str = ""

    @property
    def words(self) -> str:
        """What was done, in the reader's language."""
        return str(VERBS.get(self.verb, self.verb))


def note(task: Task, verb: str, user: Any, detail: str = "") -> None:
    """Write down what somebody does; call it in the transaction of the deed itself.

    Args:
        task: with which it was done.
        verb: one of VERBS.
        user: who; somebody who is not logged in is nobody.
        detail: at most 200 characters, such as the new task's id.

    """
    who = user if getattr(user, "pk", None) else None
    AuditEntry.objects.create(
        task=task, verb=verb, who=who, name=who.get_username() if who else "", origin=origin.current(), detail=detail
    )


def trail(task: Task) -> list[Deed]:
    """All that was done with a task, oldest first: one query."""
    began = Deed(
        verb="started", who=task.owner.get_username() if task.owner else "", at=task.created_at, origin=task.origin
    )
    noted = [
        Deed(verb=entry.verb, who=entry.name, at=entry.at, origin=entry.origin, detail=entry.detail)
        for entry in task.audit.all()
    ]
    return [began, *noted]
