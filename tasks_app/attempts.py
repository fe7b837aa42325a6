"""The attempts at a task that did not end it, kept in its row: no write more than the one that ends the attempt."""

import time
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from progress_app.events import Fault, Snapshot
from tasks_app.models import Task

MOST_KEPT: Final = 20  # the newest
LONGEST_TRACEBACK: Final = 4_000  # its end: a row is read whole

FAILED: Final = "failed"
LOST: Final = "lost"
HANDED_BACK: Final = "handed back"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastAttempt:
    """One attempt that another one follows; `started_at` (None: unknown) and `ended_at` are Unix times in seconds.

    `ending` is one of failed, lost, handed back. The traceback is for staff.
    """

    number: int
    worker: str
    started_at: float | None
    ended_at: float
    ending: str
    code: str = ""
    text: str = ""
    traceback: str = ""


def with_attempt(
    task: Task, ending: str, *, snapshot: Snapshot | None, error: Fault | None = None, traceback: str = ""
) -> list[dict[str, Any]]:
    """The task's past attempts and the one that ends now; `snapshot` is its last one."""
    ended = PastAttempt(
        number=task.attempt,
        worker=task.worker,
        started_at=snapshot.started_at if snapshot and snapshot.attempt == task.attempt else None,
        ended_at=time.time(),
        ending=ending,
        code=error.code if error else "",
        text=error.text if error else "",
        traceback=traceback[-LONGEST_TRACEBACK:],
    )
    return [*task.past_attempts, asdict(ended)][-MOST_KEPT:]


def past_attempts(task: Task) -> list[PastAttempt]:
    """As they are kept, oldest first, numbered as people count them."""
    past = [PastAttempt(**kept) for kept in task.past_attempts]
    return [replace(one, number=place) for place, one in enumerate(past, 1)] if _goes_on(task) else past


def tries(task: Task) -> int:
    """How often the task has been tried, as people count: going on after its children is no attempt of its own."""
    past = task.past_attempts
    if not _goes_on(task) or not task.attempt:
        return task.attempt
    return len(past) if past and past[-1]["number"] == task.attempt else len(past) + 1


def _goes_on(task: Task) -> bool:
    """Whether its attempts count more than what was tried, and all that was is known."""
    return task.has_children and len(task.past_attempts) < MOST_KEPT
