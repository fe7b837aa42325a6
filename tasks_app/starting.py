"""Brings a new task into being, or finds the one that it would be a twin of.

Two processes may start twins in the same moment: the database's unique indexes let one through, and the other one
looks again.
"""

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any, Final

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from progress_app.events import State
from tasks_app import newcomers, outbox, statements
from tasks_app.models import Task
from tasks_app.permissions import visible_tasks
from tasks_app.refusal import Refused

TRIES: Final = 5  # each is lost only to a twin that came first and has ended since


def start(draft: Task, user: Any, keep: Callable[[Task], object] | None = None) -> Task:
    """Save a task and hand it to the broker after the commit; or give the one that stands in its place.

    Args:
        draft: as it is to be saved.
        user: who starts it.
        keep: called with the saved task in the same transaction, to keep what belongs to it; None: nothing does.

    Raises:
        Refused: as `lifecycle.enqueue`.

    """
    for tries_left in reversed(range(TRIES)):
        found = _same_call(draft) or _same_work(draft, user)
        if found is not None:
            return found
        try:
            # A row alone needs no transaction of its own, but the caller's must survive a twin.
            with transaction.atomic() if keep is not None or connection.in_atomic_block else nullcontext():
                statements.insert(draft)
                if keep is not None:
                    keep(draft)
                transaction.on_commit(partial(outbox.put, draft))
                transaction.on_commit(partial(newcomers.put, draft))
        except IntegrityError:
            if not tries_left:
                raise
        else:
            break
    return draft


def _same_call(draft: Task) -> Task | None:
    if not draft.idempotency_key:
        return None
    found: Task | None = Task.objects.filter(owner=draft.owner, idempotency_key=draft.idempotency_key).first()
    if found is not None and (found.job, found.params) != (draft.job, draft.params):
        raise Refused(
            _("The idempotency key {key} was used for another start (task {task}): give each start its own.").format(
                key=draft.idempotency_key, task=found.pk
            )
        )
    return found


def _same_work(draft: Task, user: Any) -> Task | None:
    if not draft.unique_key:
        return None
    found: Task | None = Task.objects.unfinished().filter(unique_key=draft.unique_key).first()
    if found is None:
        return None
    if found.state == State.CANCELLING:
        raise Refused(_("The same work is being cancelled right now: start it again when it has ended."))
    if not visible_tasks(user).filter(pk=found.pk).exists():
        raise Refused(_("The same work is under way, started by somebody else: start it again when it has ended."))
    found.joined = True
    return found
