"""Signed links by which somebody without an account reads one task: its bar, and its result where the link says so.

A link holds the task, what it opens, when it ends and the task's serial. Revoking raises the serial, so that every
link given out before is dead at once; nothing of a link is stored.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from django.core import signing
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from tasks_app import audit
from tasks_app.models import Task

SALT: Final = "headway.share"
DAY_S: Final = 24 * 3600
DAYS: Final = (1, 7, 30)  # how long a link may last


class Scope(StrEnum):
    """What a link opens."""

    PAGE = "page"  # the page with the live bar, and the badge
    RESULT = "result"  # the same, and what came of the task: its name, its values and its files
    BADGE = "badge"  # the badge alone


OPENS: Final[Mapping[str, frozenset[Scope]]] = {
    Scope.PAGE: frozenset({Scope.PAGE, Scope.BADGE}),
    Scope.RESULT: frozenset(Scope),
    Scope.BADGE: frozenset({Scope.BADGE}),
}
VERBS: Final = {"shared": Scope.PAGE, "shared_result": Scope.RESULT}  # as the audit has them


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What a valid link stands for; `ends_at` is a Unix time in seconds."""

    task: Task
    scope: Scope
    ends_at: float

    @property
    def has_result(self) -> bool:
        """Whether what came of the task may be shown."""
        return self.scope is Scope.RESULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A link that was given out and still opens."""

    ends_at: datetime
    has_result: bool


def link_token(task: Task, *, scope: Scope, days: int) -> str:
    """The signed part of a link that lasts so many days.

    Raises:
        ValueError: not one of `DAYS`.

    """
    if days not in DAYS:
        raise ValueError(f"A link of {days} days: expected one of {', '.join(map(str, DAYS))}.")
    ends_at = int(time.time()) + days * DAY_S
    return signing.dumps([task.pk.hex, scope.value, ends_at, task.share_serial], salt=SALT)


def share(task: Task, *, days: int, user: Any, with_result: bool = False) -> dict[Scope, str]:
    """The signed parts of new links, to the page and to the badge; the audit says who gave them out, and with what.

    Raises:
        ValueError: as `link_token`.

    """
    with transaction.atomic():
        audit.note(task, "shared_result" if with_result else "shared", user, f"{days} d")
        page = link_token(task, scope=Scope.RESULT if with_result else Scope.PAGE, days=days)
        return {Scope.PAGE: page, Scope.BADGE: link_token(task, scope=Scope.BADGE, days=days)}


def given_out(trail: Iterable[audit.Deed]) -> list[Given]:
    """The links that still open, by what the audit has of a task, the oldest first."""
    found: list[Given] = []
    for deed in trail:
        if deed.verb == "unshared":
            found.clear()
        elif deed.verb in VERBS:
            ends_at = deed.at + timedelta(days=int(deed.detail.partition(" ")[0]))
            found.append(Given(ends_at=ends_at, has_result=VERBS[deed.verb] is Scope.RESULT))
    return [one for one in found if one.ends_at > timezone.now()]


def opened(token: str, *, scope: Scope) -> Shared | None:
    """What the link opens; None for one that is forged, over, revoked, or of another scope."""
    try:
        task_id, given, ends_at, serial = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    if ends_at < time.time() or scope not in OPENS.get(given, ()):
        return None
    task = Task.objects.filter(pk=UUID(task_id), share_serial=serial).first()
    return None if task is None else Shared(task=task, scope=Scope(given), ends_at=ends_at)


def revoke(task: Task, *, user: Any) -> None:
    """Kill every link to the task that was given out."""
    audit.note(task, "unshared", user)
    Task.objects.filter(pk=task.pk).update(share_serial=F("share_serial") + 1)
    task.refresh_from_db(fields=["share_serial"])
