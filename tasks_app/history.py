"""The last runs of a job: how long they took and how they ended, for whoever is about to start another one."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Sum

from progress_app.events import FINAL, State
from tasks_app.models import Attachment, Task
from tasks_app.usual import Usual, usual_of

MOST_RUNS: Final = 20  # a sparkline's worth; the index (job, -created_at) finds them among a million rows
FEWEST_FOR_A_RANGE: Final = 3  # of fewer one cannot say what is usual
NEAR: Final = 2  # files up to twice as large or as small tell how long one takes; beyond it nobody knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One ended task; `duration_s` is None if it never began, `size` is that of its given files, if asked for.

    `params` are the values that it was started with.
    """

    state: State
    duration_s: float | None
    finished_at: datetime
    size: int = 0
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The newest runs of a job that have ended, oldest first."""

    runs: tuple[Run, ...] = ()

    @property
    def last(self) -> Run | None:
        """The newest run, None if there was none."""
        return self.runs[-1] if self.runs else None

    @property
    def usual(self) -> Usual | None:
        """How long a run usually takes, None while too few have succeeded."""
        return _usual(self.runs)

    def usual_for(self, size: int) -> Usual | None:
        """The same of runs whose files were about as large, in bytes; None while too few of these have succeeded."""
        return _usual(run for run in self.runs if run.size and size <= NEAR * run.size and run.size <= NEAR * size)

    def usual_with(self, params: Mapping[str, Any]) -> Usual | None:
        """The same of runs that were started with the same values; None while too few of these have succeeded."""
        return _usual(run for run in self.runs if run.params == params)

    @property
    def counts(self) -> dict[State, int]:
        """How many ended in each way, the most frequent first."""
        return dict(Counter(run.state for run in self.runs).most_common())


def history(job: str, most: int = MOST_RUNS, *, sized: bool = False) -> History:
    """The newest runs of a job, over all owners, since a duration is nobody's secret.

    One query; `sized`: one more, for how much they were given.
    """
    ended = Task.objects.filter(job=job, state__in=sorted(FINAL), finished_at__isnull=False)
    rows = list(ended.order_by("-created_at").values_list("pk", "params", "state", "started_at", "finished_at")[:most])
    sizes = _sizes(pk for pk, *_ in rows) if sized else {}
    return History(
        runs=tuple(
            Run(
                state=State(state),
                duration_s=(finished_at - started_at).total_seconds() if started_at else None,
                finished_at=finished_at,
                size=sizes.get(pk, 0),
                params=params,
            )
            for pk, params, state, started_at, finished_at in reversed(rows)
            if finished_at is not None
        )
    )


def _sizes(tasks: Iterable[UUID]) -> dict[UUID, int]:
    """How many bytes each was given in files."""
    given = Attachment.objects.filter(task__in=list(tasks)).exclude(field="").order_by()
    return dict(given.values_list("task").annotate(whole=Sum("size")))


def _usual(runs: Iterable[Run]) -> Usual | None:
    took_s = [run.duration_s for run in runs if run.state is State.SUCCEEDED and run.duration_s is not None]
    return usual_of(took_s) if len(took_s) >= FEWEST_FOR_A_RANGE else None
