"""How a task went over time: waiting, earlier attempts, stages and children as lanes of one picture.

All of it is in seconds since the task was asked for; the template draws in them too, so that a page that is open lets
the picture grow by widening its frame.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _

from progress_app.durations import duration_text
from progress_app.events import Snapshot, StageProgress, StageState, State
from tasks_app.attempts import PastAttempt, past_attempts
from tasks_app.models import Task

LEAST_SHARE: Final = 0.004  # of the whole: what took no time is seen too
MOST_TICKS: Final = 5
STEPS_S: Final = (
    0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A child's time in the lane of all children: `row` is its place from the top, as a share of the lane's height."""

    state: str
    begin_s: float
    seconds: float
    row: float
    height: float
    is_open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One line. `state` names its colour; `is_open`: it goes on while one looks; `pieces` are drawn in its place."""

    name: str
    state: str
    begin_s: float = 0.0
    seconds: float = 0.0
    depth: int = 0
    is_open: bool = False
    pieces: tuple[Piece, ...] = ()

    @property
    def is_drawn(self) -> bool:
        """Whether it has begun: what took no time is seen too."""
        return self.state != StageState.PENDING


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A mark of the axis, with its time in words."""

    at_s: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """The picture: `whole_s` wide; `least_s` is the shortest that can be seen."""

    whole_s: float
    lanes: tuple[Lane, ...]
    is_live: bool

    @property
    def least_s(self) -> float:
        """How wide a bar is drawn at least."""
        return self.whole_s * LEAST_SHARE

    @property
    def ticks(self) -> tuple[Tick, ...]:
        """A few marks at round times; the end needs none."""
        step_s = next((step for step in STEPS_S if self.whole_s / step <= MOST_TICKS), self.whole_s)
        count = int(self.whole_s * 0.93 / step_s)  # a text at the very edge would be cut
        return tuple(Tick(at_s=n * step_s, text=_round_time(n * step_s)) for n in range(count + 1))


def _round_time(seconds: float) -> str:
    """Whole seconds without a decimal, as the marks beside them."""
    whole = int(seconds)
    return _("{count} s").format(count=whole) if seconds == whole < 60 else duration_text(seconds)  # noqa: PLR2004


def waterfall(
    task: Task, snapshot: Snapshot | None, children: Sequence[Task] = (), filled: int | None = None
) -> Waterfall | None:
    """The picture of a task, in the order of the beginnings; None of one whose clock stands.

    `filled` is the place among the stages of the one that the children fill: it lasts as long as they do.
    """
    asked = task.created_at.timestamp()
    whole_s = _end(task).timestamp() - asked
    if whole_s <= 0:
        return None
    parts = _parts(task, children, asked) if any(child.started_at for child in children) else None
    lanes = tuple(_within(lane, whole_s) for lane in _lanes(task, snapshot, parts, filled))
    return Waterfall(whole_s=whole_s, lanes=lanes, is_live=not task.is_final)


def _end(task: Task) -> datetime:
    return task.finished_at or timezone.now()


def _lanes(task: Task, snapshot: Snapshot | None, parts: Lane | None, filled: int | None) -> Iterator[Lane]:
    asked, past = task.created_at.timestamp(), past_attempts(task)
    begun = min((tried.started_at for tried in past if tried.started_at), default=None) or _started(task)
    yield Lane(name=_("Waiting"), state="waiting", seconds=begun - asked, is_open=task.state == State.QUEUED)
    for tried in past:
        yield _past(tried, asked, begun)
    if snapshot is not None and snapshot.stages:
        begin_s = _last_began(task, past, snapshot.stages) - asked
        ends = {} if parts is None else {filled: parts.begin_s + parts.seconds}
        yield from _stages(task, snapshot.stages, begin_s, ends)
    elif task.started_at is not None:
        yield _whole_run(task, (past[-1].ended_at if past else begun) - asked, asked)
    if parts is not None:
        yield parts


def _past(tried: PastAttempt, asked: float, begun: float) -> Lane:
    began = tried.started_at or begun
    name = _("Attempt {number}").format(number=tried.number)
    state = "failed" if tried.ending == "failed" else "lost"
    return Lane(name=name, state=state, begin_s=began - asked, seconds=tried.ended_at - began)


def _whole_run(task: Task, begin_s: float, asked: float) -> Lane:
    """The one lane of a job without stages."""
    seconds = _end(task).timestamp() - asked - begin_s
    return Lane(
        name=_("Run"), state=_state(task, StageState.RUNNING), begin_s=begin_s, seconds=seconds, is_open=_goes_on(task)
    )


def _started(task: Task) -> float:
    return (task.started_at or _end(task)).timestamp()


def _last_began(task: Task, past: list[PastAttempt], stages: Sequence[StageProgress]) -> float:
    """When the present attempt began: its stages end where the task does, or now."""
    if not past:
        return _started(task)
    took_s = sum(stage.seconds or 0 for stage in stages if stage.depth == 0)
    return max(past[-1].ended_at, _end(task).timestamp() - took_s)


def _stages(
    task: Task, stages: Sequence[StageProgress], begin_s: float, ends: Mapping[int | None, float]
) -> Iterator[Lane]:
    """Stages follow each other; those within a stage begin with it. What is to come has an empty lane.

    `ends` are the seconds at which those end whose time no worker took: their children did it.
    """
    outer_s = inner_s = begin_s
    for place, stage in enumerate(stages):
        if stage.depth:
            yield _stage(task, stage, inner_s, stage.seconds or 0)
            inner_s += stage.seconds or 0
        else:
            seconds = max(stage.seconds or 0, ends.get(place, 0) - outer_s)
            yield _stage(task, stage, outer_s, seconds)
            inner_s, outer_s = outer_s, outer_s + seconds


def _stage(task: Task, stage: StageProgress, begin_s: float, seconds: float) -> Lane:
    goes_on = stage.state is StageState.RUNNING and _goes_on(task)
    return Lane(
        name=stage.name, state=_state(task, stage.state), begin_s=begin_s, seconds=seconds, depth=stage.depth,
        is_open=goes_on,
    )  # fmt: skip


def _goes_on(task: Task) -> bool:
    return task.state in (State.RUNNING, State.CANCELLING)


def _state(task: Task, state: StageState) -> str:
    """What ran when a task ended has ended so too."""
    if state is not StageState.RUNNING or not task.is_final:
        return str(state)
    return str(StageState.DONE) if task.state == State.SUCCEEDED else str(task.state)


def _parts(task: Task, children: Sequence[Task], asked: float) -> Lane:
    """All children in one lane, each as a line of its own below the one that began before it."""
    now = _end(task).timestamp()
    begun = sorted((child for child in children if child.started_at), key=_started)
    height = 1 / max(1, len(children))
    pieces = tuple(
        Piece(
            state=child.state, begin_s=_started(child) - asked, row=place * height, height=height,
            seconds=max(0.0, (child.finished_at.timestamp() if child.finished_at else now) - _started(child)),
            is_open=not child.is_final,
        )
        for place, child in enumerate(begun)
    )  # fmt: skip
    first_s = min((piece.begin_s for piece in pieces), default=0.0)
    last_s = max((piece.begin_s + piece.seconds for piece in pieces), default=first_s)
    goes_on = any(piece.is_open for piece in pieces)
    return Lane(
        name=_("Parts"), state="running", begin_s=first_s, seconds=last_s - first_s, is_open=goes_on, pieces=pieces
    )


def _within(lane: Lane, whole_s: float) -> Lane:
    """Clocks of two machines may differ: nothing leaves the picture."""
    begin_s = min(whole_s * (1 - LEAST_SHARE), max(0.0, lane.begin_s))
    return replace(lane, begin_s=begin_s, seconds=max(0.0, min(whole_s - begin_s, lane.seconds)))
