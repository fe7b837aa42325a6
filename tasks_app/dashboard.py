"""What operations see at a glance: how much ended, how long it took, and what does not move.

Each figure is bounded: counts go by the index of ends, and times are taken from the newest tasks alone.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Final

from django.db.models import Count, Q, Value
from django.db.models.functions import Now, TruncHour
from django.utils import timezone

from progress_app.events import State
from tasks_app.models import Task
from tasks_app.record import noted_snapshot
from tasks_app.transitions import OWNED, WAITING

HOURS: Final = 24
MOST_TIMED: Final = 2_000  # a 95th percentile is firm by then, and they are read in a few ms
MOST_STALLED: Final = 20
IN_MOTION: Final = '"stalled_s":null'  # in a snapshot's JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """What ended in one hour, as many as `ago` before the present one; `bad` of them failed or were lost."""

    ago: int
    ended: int = 0
    bad: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Seconds that half of the tasks, and 95 of 100, took at most; None of no task."""

    p50: float | None = None
    p95: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long tasks waited or ran: all that were looked at, and by the hour of their end, the oldest first."""

    whole: Times
    hours: tuple[Times, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """Tasks that wait, that run, and that should be running but whose worker has fallen silent."""

    waiting: int
    running: int
    stalled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Motionless:
    """A task that makes no step, and since how many seconds."""

    task: Task
    silent_s: float


def present() -> UnderWay:
    """How many tasks are under way."""
    silent = Q(state__in=OWNED, lease_until__lt=Now())
    unfinished = Task.objects.filter(finished_at__isnull=True)
    return UnderWay(
        **unfinished.aggregate(
            waiting=Count("pk", filter=Q(state__in=WAITING)),
            running=Count("pk", filter=Q(state__in=OWNED)),
            stalled=Count("pk", filter=silent),
        )
    )


def stalled() -> list[Task]:
    """The tasks whose worker has not renewed its lease, the longest silent first."""
    silent = Task.objects.filter(state__in=OWNED, lease_until__lt=Now()).order_by("lease_until")
    return list(silent.only("id", "job", "own_title", "worker", "lease_until")[:MOST_STALLED])


def motionless() -> list[Motionless]:
    """The tasks whose worker is alive and whose job makes no step for far longer than its own rhythm, as last noted.

    Only tasks that a worker has are looked at: as many as there are worker processes.
    """
    held = Task.objects.filter(state__in=OWNED, lease_until__gte=Now()).exclude(snapshot__contains=IN_MOTION)
    now = timezone.now().timestamp()
    noted = [(task, noted_snapshot(task)) for task in held.exclude(snapshot="").order_by("started_at")[:MOST_STALLED]]
    return [
        Motionless(task=task, silent_s=now - snapshot.ts + snapshot.stalled_s)
        for task, snapshot in noted
        if snapshot.stalled_s and snapshot.attempt == task.attempt
    ]


def throughput() -> tuple[Hour, ...]:
    """What ended in each of the last 24 hours of the clock, the oldest first; the last one is not over."""
    first = _first_hour()
    ended, bad = _ended_by_hour(first), _bad_by_hour(first)
    return tuple(Hour(ago=HOURS - 1 - place, ended=ended[place], **bad.get(place, {})) for place in range(HOURS))


def _ended_by_hour(first: datetime) -> dict[int, int]:
    """How many ended, by the place of the hour: counted in the index alone, so that a million a day are no matter."""
    hour = timedelta(hours=1)
    began = [first + place * hour for place in range(HOURS)]
    ended = [Task.objects.filter(finished_at__gte=each, finished_at__lt=each + hour).order_by() for each in began]
    counts = [rows.values(place=Value(place)).annotate(number=Count("*")) for place, rows in enumerate(ended)]
    return dict(counts[0].union(*counts[1:], all=True).values_list("place", "number"))


def _bad_by_hour(first: datetime) -> dict[int, dict[str, int]]:
    by_hour = Task.objects.bad().filter(finished_at__gte=first).values(hour=TruncHour("finished_at")).order_by("hour")
    counts: Any = by_hour.annotate(bad=Count("pk"), lost=Count("pk", filter=Q(state=State.LOST)))
    return {_place(row.pop("hour"), first): row for row in counts}


def paces() -> tuple[Pace, Pace]:
    """How long the newest ended tasks of these hours waited, and how long they ran."""
    first = _first_hour()
    ended = Task.objects.filter(finished_at__gte=first, started_at__isnull=False).order_by("-finished_at")
    rows: list[Any] = list(ended.values_list("finished_at", "created_at", "started_at")[:MOST_TIMED])
    waited = [(_place(end, first), (start - asked).total_seconds()) for end, asked, start in rows]
    ran = [(_place(end, first), (end - start).total_seconds()) for end, _, start in rows]
    return _pace(waited), _pace(ran)


def _first_hour() -> datetime:
    return timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)


def _place(moment: datetime, first: datetime) -> int:
    return int((moment - first).total_seconds() // 3600)


def _pace(timed: list[tuple[int, float]]) -> Pace:
    by_hour: defaultdict[int, list[float]] = defaultdict(list)
    for place, seconds in timed:
        by_hour[place].append(seconds)
    return Pace(
        whole=_times(seconds for _, seconds in timed),
        hours=tuple(_times(by_hour[place]) for place in range(HOURS)),
    )


def _times(seconds: Iterable[float]) -> Times:
    ordered = sorted(max(0.0, each) for each in seconds)  # clocks of two machines may differ a little
    if not ordered:
        return Times()
    at = [ordered[ceil(share * len(ordered)) - 1] for share in (0.5, 0.95)]
    return Times(p50=at[0], p95=at[1])
