"""Signed links by which somebody without an account reads one task: its bar, and nothing else.

A link holds the task, what it opens, when it ends and the task's serial. Revoking raises the serial, so that every
link given out before is dead at once; nothing of a link is stored.
"""

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from django.core import signing
from django.db import transaction
from django.db.models import F

from tasks_app import audit
from tasks_app.models import Task

SALT: Final = "headway.share"
DAY_S: Final = 24 * 3600
DAYS: Final = (1, 7, 30)  # how long a link may last


class Scope(StrEnum):
    """What a link opens."""

    PAGE = "page"  # the page with the live bar, and the badge
    BADGE = "badge"  # the badge alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What a valid link stands for; `ends_at` is a Unix time in seconds."""

    task: Task
    scope: Scope
    ends_at: float


def link_token(task: Task, *, scope: Scope, days: int) -> str:
    """The signed part of a link that lasts so many days.

    Raises:
        ValueError: not one of `DAYS`.

    """
    if days not in DAYS:
        raise ValueError(f"A link of {days} days: expected one of {', '.join(map(str, DAYS))}.")
    ends_at = int(time.time()) + days * DAY_S
    return signing.dumps([task.pk.hex, scope.value, ends_at, task.share_serial], salt=SALT)


def share(task: Task, *, days: int, user: Any) -> dict[Scope, str]:
    """The signed parts of new links, one a scope; the audit says who gave them out.

    Raises:
        ValueError: as `link_token`.

    """
    with transaction.atomic():
        audit.note(task, "shared", user, f"{days} d")
        return {scope: link_token(task, scope=scope, days=days) for scope in Scope}


def opened(token: str, *, scope: Scope) -> Shared | None:
    """What the link opens; None for one that is forged, over, revoked, or of another scope."""
    try:
        task_id, given, ends_at, serial = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    if ends_at < time.time() or given not in (Scope.PAGE, scope):
        return None
    task = Task.objects.filter(pk=UUID(task_id), share_serial=serial).first()
    return None if task is None else Shared(task=task, scope=Scope(given), ends_at=ends_at)


def revoke(task: Task, *, user: Any) -> None:
    """Kill every link to the task that was given out."""
    audit.note(task, "unshared", user)
    Task.objects.filter(pk=task.pk).update(share_serial=F("share_serial") + 1)
    task.refresh_from_db(fields=["share_serial"])
