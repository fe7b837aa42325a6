"""What the database knows of a task's children: how far they are, and what came of them."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db.models import Count, Sum

from progress_app.checkpoint import Checkpoint
from progress_app.events import FINAL, Children, Fault, Snapshot, State
from progress_app.rollup import WHOLE, Member, Rollup, Sums, word
from tasks_app.attachments import StoredFile
from tasks_app.models import Attachment, Family, Task

READ_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """What came of one child; `error` is None where it ended well, `number` its place in the list, from 0."""

    number: int
    params: dict[str, Any]
    state: State
    result: Any
    error: Fault | None
    task_id: UUID

    @property
    def is_done(self) -> bool:
        """Whether it ended well."""
        return self.state is State.SUCCEEDED

    def files(self) -> dict[str, StoredFile]:
        """The files that it attached, by name, closed."""
        made = Attachment.objects.filter(task_id=self.task_id, field="")
        return {kept.name: StoredFile(kept) for kept in made}


class Results:
    """What came of all children of a task, in their order; read from the database a piece at a time, each time anew."""

    def __init__(self, parent: Task) -> None:
        rows = Task.objects.filter(parent=parent).order_by("number")
        self._rows = rows.only("number", "params", "state", "result", "error_code", "error_text")
        self._sums = sums(parent.pk)

    def __len__(self) -> int:
        return self.done + self.failed

    def __iter__(self) -> Iterator[Child]:
        return map(_child, self._rows.iterator(chunk_size=READ_AT_ONCE))

    @property
    def done(self) -> int:
        """How many ended well."""
        return self._sums.done

    @property
    def failed(self) -> int:
        """How many ended otherwise."""
        return self._sums.failed

    def first_failed(self) -> Child | None:
        """The first one that failed by itself, else the first that ended badly; None if there is none."""
        bad = self._rows.filter(state__in=[State.FAILED, State.LOST]).first()
        row = bad or self._rows.filter(state=State.CANCELLED).first()
        return None if row is None else _child(row)


def _child(row: Task) -> Child:
    error = Fault(code=row.error_code, text=row.error_text) if row.error_code else None
    return Child(
        number=row.number, params=row.params, state=State(row.state), result=row.result, error=error, task_id=row.pk
    )


def member_of(task: Task) -> Member | None:
    """A child's place among its siblings, None for a task that is nobody's child."""
    return None if task.parent_id is None else Member(str(task.parent_id), task.number)


def sums(parent_id: UUID) -> Sums:
    """What a task's children add up to; one query."""
    added = Sums()
    rows = Task.objects.filter(parent=parent_id).order_by().values_list("state")
    for state, count, percent in rows.annotate(count=Count("pk"), percent=Sum("percent")):
        ended = state in FINAL
        added.done += count if state == State.SUCCEEDED else 0
        added.failed += count if ended and state != State.SUCCEEDED else 0
        added.sum += count * WHOLE if ended else int((percent or 0.0) * 10)
    added.most = added.sum
    return added


def words(parent_id: UUID) -> list[int]:
    """The children's words by their number, as `rollup` has them."""
    rows = Task.objects.filter(parent=parent_id).order_by("number")
    return [word(attempt, State(state), percent) for attempt, state, percent in rows.values_list(
        "attempt", "state", "percent"
    ).iterator(chunk_size=READ_AT_ONCE * 4)]  # fmt: skip


def rollup_of(parent: Task) -> Rollup | None:
    """How a parent's bar shows its children now, None for a task without."""
    kept = Family.objects.filter(parent=parent).first() if parent.has_children else None
    if kept is None:
        return None
    asked = parent.cancel_requested_at
    shown = msgspec.structs.replace(
        Snapshot.from_json(kept.snapshot),
        state=State.CANCELLING if parent.state == State.CANCELLING else State.RUNNING,
        cancel_requested_at=None if asked is None else asked.timestamp(),
    )
    return Rollup(snapshot=shown, total=kept.total, low=kept.low, high=kept.high, stage=kept.stage)


def checkpoint_after(parent: Task) -> str:
    """Where a parent goes on whose children have ended now: the stage that they filled took as long as they did."""
    try:
        rollup, point = rollup_of(parent), Checkpoint.from_json(parent.checkpoint)
    except ValueError:  # of another version: its duration is not worth holding the parent up
        return parent.checkpoint
    if rollup is None or rollup.stage is None:
        return parent.checkpoint
    name, seconds = rollup.snapshot.stages[rollup.stage].name, rollup.waited_s(time.time())
    passed = (replace(was, seconds=seconds) if was.name == name else was for was in point.passed)
    return replace(point, passed=tuple(passed)).to_json()


def counts(parent: Task) -> Children:
    """How many children a task has, and how many ended well and badly."""
    if not parent.has_children:
        return Children()
    added = sums(parent.pk)
    return Children(total=parent.family.total, done=added.done, failed=added.failed)
