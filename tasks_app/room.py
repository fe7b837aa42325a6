"""The room that a result will take, by the last one of its job: it is kept on the page while the task runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from progress_app.events import State
from tasks_app.models import Attachment, Task

LOOKED_AT: Final = 20  # runs, the newest; of a job that has not succeeded for so long nobody knows
MOST_FILES: Final = 4
USUAL_FILES: Final = 2
MOST_LINES: Final = 8  # what is longer is opened by a button


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """As many files, and a pair for each name of the result with the lines of its value; for templates to count by."""

    files: range
    pairs: tuple[range, ...]


def room(job: str, named: int = 0) -> Room | None:
    """What the last success of the job, whoever started it, left to be seen.

    If there was none of late: room for as many values as it has `named`, and for files; None for a job that named none.
    """
    newest = Task.objects.filter(job=job).order_by("-created_at").values_list("pk", "state")[:LOOKED_AT]
    last = next((pk for pk, state in newest if state == State.SUCCEEDED), None)
    if last is None:
        return Room(files=range(USUAL_FILES), pairs=(range(1),) * min(named, MOST_LINES)) if named else None
    result = Task.objects.filter(pk=last).values_list("result", flat=True).first()
    files = Attachment.objects.filter(task=last, field="")[:MOST_FILES].count()
    return Room(files=range(files), pairs=tuple(_pairs(result)))


def _pairs(result: Any) -> Iterator[range]:
    left = MOST_LINES
    for value in result.values() if isinstance(result, dict) else [] if result is None else [result]:
        lines = min(left, _lines(value))
        left -= lines
        if lines:
            yield range(lines)


def _lines(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return max(1, sum(map(_lines, value))) if isinstance(value, list) else 1
