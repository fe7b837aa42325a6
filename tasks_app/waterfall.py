"""How a task went over time: waiting, earlier attempts and stages as lanes of one picture."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _

from progress_app.events import Snapshot, StageProgress
from tasks_app.attempts import PastAttempt, past_attempts
from tasks_app.models import Task

FULL: Final = 100.0
LEAST_WIDTH: Final = 0.4  # percent: what took no time is seen too
SHORTEST_SHOWN_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One line: from `start` on for `width` percent of the whole time; `state` names its colour."""

    name: str
    state: str
    start: float
    width: float
    seconds: float
    depth: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    name: str
    state: str
    begin_s: float  # since the task was asked for
    seconds: float
    depth: int = 0


def lanes(task: Task, snapshot: Snapshot | None) -> list[Lane]:
    """The lanes of a task, in the order of their beginning; none while there is nothing to compare."""
    asked = task.created_at.timestamp()
    whole_s = _end(task).timestamp() - asked
    spans = [span for span in _spans(task, snapshot, asked) if span.seconds >= SHORTEST_SHOWN_S]
    if whole_s <= 0 or len(spans) < 2:  # noqa: PLR2004  (one bar says less than the figure beside it)
        return []
    return [_lane(span, whole_s) for span in spans]


def _end(task: Task) -> datetime:
    return task.finished_at or timezone.now()


def _spans(task: Task, snapshot: Snapshot | None, asked: float) -> Iterator[_Span]:
    past = past_attempts(task)
    first = min((tried.started_at for tried in past if tried.started_at), default=None)
    started = task.started_at.timestamp() if task.started_at else None
    begun = first or started or _end(task).timestamp()
    yield _Span(name=_("Waiting"), state="waiting", begin_s=0, seconds=begun - asked)
    for tried in past:
        yield _past(tried, asked, begun)
    if snapshot is not None and started is not None:
        yield from _stages(snapshot, _last_began(task, past, snapshot) - asked)


def _past(tried: PastAttempt, asked: float, begun: float) -> _Span:
    began = tried.started_at or begun
    name = _("Attempt {number}").format(number=tried.number)
    state = "failed" if tried.ending == "failed" else "lost"
    return _Span(name=name, state=state, begin_s=began - asked, seconds=tried.ended_at - began)


def _last_began(task: Task, past: list[PastAttempt], snapshot: Snapshot) -> float:
    """When the present attempt began: its stages end where the task does, or now."""
    if not past:
        return task.started_at.timestamp() if task.started_at else task.created_at.timestamp()
    took_s = sum(stage.seconds or 0 for stage in snapshot.stages if stage.depth == 0)
    return max(past[-1].ended_at, _end(task).timestamp() - took_s)


def _stages(snapshot: Snapshot, begin_s: float) -> Iterator[_Span]:
    """Stages follow each other; those within a stage begin with it."""
    outer_s = inner_s = begin_s
    for stage in snapshot.stages:
        seconds = stage.seconds or 0
        if stage.depth:
            yield _stage(stage, inner_s)
            inner_s += seconds
        else:
            yield _stage(stage, outer_s)
            inner_s, outer_s = outer_s, outer_s + seconds


def _stage(stage: StageProgress, begin_s: float) -> _Span:
    return _Span(
        name=stage.name, state=str(stage.state), begin_s=begin_s, seconds=stage.seconds or 0, depth=stage.depth
    )


def _lane(span: _Span, whole_s: float) -> Lane:
    start = min(FULL - LEAST_WIDTH, max(0.0, FULL * span.begin_s / whole_s))
    width = min(FULL - start, max(LEAST_WIDTH, FULL * span.seconds / whole_s))
    return Lane(
        name=span.name, state=span.state, start=round(start, 2), width=round(width, 2), seconds=span.seconds,
        depth=span.depth,
    )  # fmt: skip
