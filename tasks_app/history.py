"""The last runs of a job: how long they took and how they ended, for whoever is about to start another one."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from statistics import quantiles
from typing import Final

from progress_app.events import FINAL, State
from tasks_app.models import Task

MOST_RUNS: Final = 20  # a sparkline's worth; the index (job, -created_at) finds them among a million rows
FEWEST_FOR_A_RANGE: Final = 3  # of fewer one cannot say what is usual


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One ended task; `duration_s` is None if it never began."""

    state: State
    duration_s: float | None
    finished_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """Seconds that the middle half of the successful runs took: `low` ≤ `middle` ≤ `high`."""

    low: float
    middle: float
    high: float


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
        took = [run.duration_s for run in self.runs if run.state is State.SUCCEEDED and run.duration_s is not None]
        if len(took) < FEWEST_FOR_A_RANGE:
            return None
        low, middle, high = quantiles(took, n=4, method="inclusive")
        return Usual(low=low, middle=middle, high=high)

    @property
    def counts(self) -> dict[State, int]:
        """How many ended in each way, the most frequent first."""
        return dict(Counter(run.state for run in self.runs).most_common())


def history(job: str, most: int = MOST_RUNS) -> History:
    """The newest runs of a job: one query, over all owners, since a duration is nobody's secret."""
    ended = Task.objects.filter(job=job, state__in=sorted(FINAL), finished_at__isnull=False)
    rows = ended.order_by("-created_at").values_list("state", "started_at", "finished_at")[:most]
    return History(
        runs=tuple(
            Run(
                state=State(state),
                duration_s=(finished_at - started_at).total_seconds() if started_at else None,
                finished_at=finished_at,
            )
            for state, started_at, finished_at in reversed(list(rows))
            if finished_at is not None
        )
    )
