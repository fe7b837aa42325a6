"""Tells people that a task has finished or failed: its owner, and who asked to be told, wherever they look.

A notice is an event `notification` on the person's own channel, which every transport carries. It is appended once
for a task, however often it is tried, and before the end itself is announced: a worker that dies between the two leaves
an end that `endings` announces, with the notice.
"""

import logging
import time
from typing import Any, Final

import msgspec
from django.contrib.auth import get_user_model
from django.db import DatabaseError
from django.utils import translation

from progress_app import connections
from progress_app.channels import user_channel
from progress_app.events import VERSION, State
from progress_app.exceptions import BackendUnavailable, PositionUnknown
from tasks_app import registry, statements
from tasks_app.models import Task
from tasks_app.permissions import visible_tasks
from tasks_app.seen import seen_by

EVENT: Final = "notification"
NEWEST: Final = 50
MOST_FILES: Final = 3  # that a notice names
TOLD: Final = frozenset({State.SUCCEEDED, State.FAILED, State.LOST})  # who cancels a task knows it

logger = logging.getLogger(__name__)


def tell(task: Task, state: State) -> bool:
    """Tell that the task has ended in this state; False: not everybody could be told, it is to be tried again.

    Children are their parent's business. A fault of this never touches the task.
    """
    if state not in TOLD or task.parent_id is not None:
        return True
    try:
        for user_id in _recipients(task):
            data = msgspec.json.encode(_notice(task, state))
            connections.backend().append(user_channel(user_id), EVENT, data, once=str(task.pk))
    except (BackendUnavailable, DatabaseError) as error:
        logger.warning("That task %s has ended is told later: %s", task.pk, error)
        return False
    except Exception:
        logger.exception("Nobody could be told that task %s has ended.", task.pk)
    return True


def newest(user_id: int) -> tuple[int, bytes]:
    """The position of a user's channel and its newest notices, oldest first, as `{"v", "notices", "seen"}` in JSON.

    Seen are those told until the Unix time `until`, and those of some `tasks`.

    Raises:
        BackendUnavailable: they cannot be had now.

    """
    backend, channel = connections.backend(), user_channel(user_id)
    position = backend.position(channel)
    try:
        entries = backend.replay(channel, max(0, position - NEWEST), NEWEST)
    except PositionUnknown:  # fewer are kept
        entries = backend.replay(channel, None, NEWEST)
    told = [msgspec.Raw(entry.data) for entry in entries if entry.event == EVENT]
    seen = seen_by(user_id)
    known = {"until": seen.until, "tasks": seen.apart}
    return position, msgspec.json.encode({"v": VERSION, "notices": told, "seen": known})


def _recipients(task: Task) -> list[int]:
    """The owner, and those who asked and may still see the task."""
    asked = get_user_model().objects.in_bulk(statements.subscribers(task.pk)).values()
    may_see = [user.pk for user in asked if visible_tasks(user).filter(pk=task.pk).exists()]
    owner = [] if task.owner_id is None else [task.owner_id]
    return list(dict.fromkeys([*owner, *may_see]))


def _notice(task: Task, state: State) -> dict[str, Any]:
    with translation.override(None):  # as written: the page that shows it knows its reader's language
        title = task.title
    told = {"v": VERSION, "task": str(task.pk), "job": task.job, "title": title, "state": state.value}
    return {**told, "files": _files(task), "url": task.get_absolute_url(), "ts": round(time.time(), 3)}


def _files(task: Task) -> list[str]:
    """What it was given, by name: what tells it from another task of its job."""
    job = registry.find(task.job)
    if job is None or not job.takes_files:
        return []
    return list(task.attachments.exclude(field="").values_list("name", flat=True)[:MOST_FILES])
