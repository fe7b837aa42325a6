"""What a job has said so far, and the snapshot that it makes.

The job's threads write; the sender's threads read. Nothing here waits or sends.
"""

import math
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from operator import length_hint
from typing import Any, Final

from msgspec.structs import replace

from progress_app.checkpoint import Checkpoint
from progress_app.events import FULL_PERCENT, Fault, Snapshot, State
from progress_app.exceptions import UsageError
from progress_app.logbook import printable
from progress_app.outlook import Outlook, Paces
from progress_app.rate import Rate
from progress_app.rollup import Rollup
from progress_app.stages import NEARLY, Stage, Stages
from progress_app.tally import POSITIONED, Tally, number

LONGEST_MESSAGE: Final = 500
OPENING_S: Final = 0.05  # mostly `track` follows and gives a length: without a pause the bar would flicker
HIGHEST: Final = 1e300  # a count; the sum of what a job says may be infinite, which JSON does not know
LONGEST_NAME: Final = 200  # of a stage or a unit


class Ledger:
    """The counts, stages and words of one attempt.

    Args:
        identity: the snapshot's fields that stay: which task, job and attempt, and when it began.
        stages: names of the job's stages, in order.
        stop, interrupt: as Tally.

    """

    def __init__(
        self, identity: Snapshot, stages: Sequence[str], stop: list[BaseException], interrupt: Callable[[], None]
    ) -> None:
        self._identity = identity
        self._tally = Tally(stop, interrupt)
        self._stages = Stages(stages)
        self._rate = Rate()
        self._message = ""
        self._outlook = Outlook()
        # Threads of a job may open stages. Re-entrant, since the garbage collector ends some.
        self._opening = threading.RLock()
        self._looking = threading.Lock()  # the sender and the keeper of the lease both make snapshots
        self._began_s = self._stages.whole.began_s = time.monotonic()
        self.recall = self._outlook.recall
        self.count = self._tally.add
        self.mine = self._tally.mine

    def track(self, iterable: Any, total: float | None, unit: str) -> Any:
        """As `Reporter.track`."""
        stage = self._stages.current
        if total is None and stage.total is None:
            total = _length(iterable)
        if total is not None:
            stage.total = _shown(total)
        stage.unit = printable(unit, LONGEST_NAME) or stage.unit
        return self._tally.over_async(iterable) if hasattr(iterable, "__aiter__") else self._tally.over(iterable)

    def update(self, current: float | None, total: float | None, message: str | None) -> None:
        """As `Reporter.update`."""
        stage = self._stages.current
        if current is not None:
            stage.base = self._tally.read() - _shown(current)
        if total is not None:
            stage.total = _shown(total)
        if message is not None:
            self._message = printable(message, LONGEST_MESSAGE)

    def plan(self, stages: Mapping[str, float] | Sequence[str]) -> None:
        """As `Reporter.plan`."""
        if isinstance(stages, str) or not isinstance(stages, Iterable):
            raise UsageError(f"plan({stages!r}): expected the names of stages, or a dictionary of names and weights.")
        with self._opening:
            self._stages.plan(stages if isinstance(stages, Mapping) else dict.fromkeys(stages, 1.0))

    @contextmanager
    def stage(self, name: str, total: float | None, weight: float | None, unit: str) -> Generator[None]:
        """As `Reporter.stage`."""
        stages, total = self._stages, None if total is None else _shown(total)
        name, unit = printable(name, LONGEST_NAME), printable(unit, LONGEST_NAME)
        with self._opening:
            at, now_s = self._tally.read(), time.monotonic()
            stage = stages.open(name, weight=weight, total=total, unit=unit, at=at, now_s=now_s)
            self._rate = Rate()
        try:
            yield
        except BaseException:
            stages.leave(stage)
            raise
        with self._opening:
            stages.close(stage, at=self._tally.read(), now_s=time.monotonic())
            self._message = ""  # it spoke of the stage
            self._rate = Rate()

    def resume(self, point: Checkpoint, elapsed_s: float) -> str:
        """Go on from where an earlier attempt was; gives what to say about it, "" for nothing."""
        self._began_s -= elapsed_s
        self._stages.resume(point.percent, point.passed, time.monotonic())
        if point.data is None:
            return ""
        where = "a checkpoint" if point.percent is None else f"{math.floor(point.percent)} %"
        self._message = f"Going on from {where}"
        return self._message

    def checkpoint(self, data: Any) -> Checkpoint:
        """Where the next attempt may go on: the job's data, and how far it is."""
        self._count_stage()
        return Checkpoint(percent=self._stages.percent(), passed=self._stages.passed(), data=data)

    def fan_out(self, stage: str | None, total: int, unit: str) -> None:
        """Open the stage that children fill; None: they fill the whole task.

        Raises:
            UsageError: a stage is open, or this one was.

        """
        stages, now_s = self._stages, time.monotonic()
        if stages.current is not stages.whole:
            raise UsageError(f"map() inside the stage {stages.current.name!r}: close it, and name one with stage=….")
        if stage is not None:
            stages.open(stage, weight=None, total=total, unit=unit, at=self._tally.read(), now_s=now_s)
        stages.current.total, stages.current.unit, self._rate = total, unit, Rate()

    def park(self) -> tuple[Rollup, Checkpoint]:
        """How the children are shown, and where their parent goes on after them."""
        low, high = self._stages.room()
        shown = self.snapshot(State.RUNNING, None)
        filled = self._stages.current
        stage = None if shown.stage is None else shown.stage.index
        self._stages.close_all(at=self._tally.read(), now_s=time.monotonic())
        rollup = Rollup(
            snapshot=replace(shown, rate=None), total=int(filled.total or 0), low=low, high=high, stage=stage
        )
        return rollup, Checkpoint(percent=min(high, NEARLY), passed=self._stages.passed())

    @property
    def mark(self) -> tuple[object, ...]:
        """Something that differs when there is something new to show."""
        return self._tally.read(), self._message, self._stages.current.total

    def snapshot(self, state: State, cancel_requested_at: float | None) -> Snapshot:
        """The present state; in any thread."""
        with self._looking:
            return self._seen(state, cancel_requested_at, time.monotonic())

    def _seen(self, state: State, cancel_requested_at: float | None, now_s: float) -> Snapshot:
        stage = self._count_stage()
        self._rate.observe(now_s, stage.count)
        rate = self._rate.per_s
        return replace(
            self._identity,
            state=state,
            current=_plain(stage.count),
            total=None if stage.total is None else _plain(stage.total),
            unit=stage.unit,
            percent=self._stages.percent(),
            message=self._message,
            stage=self._stages.ref(),
            stages=self._stages.views(now_s),
            rate=None if rate is None else round(rate, 2),
            eta=self._outlook.look(self._stages.tops, rate, now_s) if state is State.RUNNING else None,
            cancel_requested_at=cancel_requested_at,
            elapsed=round(now_s - self._began_s, 1),
            ts=round(time.time(), 6),
        )

    def ripens_in_s(self) -> float:
        """Seconds for which it is not yet known whether the stage at hand has a length: it was opened just now."""
        stage = self._stages.current
        if stage is self._stages.whole or stage.total is not None or self._tally.read() != stage.base:
            return 0.0
        return max(0.0, (stage.began_s or 0.0) + OPENING_S - time.monotonic())

    def paces(self) -> Paces:
        """What this attempt leaves for the forecasts of later runs; once it has ended."""
        return self._outlook.paces(self._stages.tops, time.monotonic())

    def _count_stage(self) -> Stage:
        stage = self._stages.current
        stage.count = min(HIGHEST, max(0.0, self._tally.read() - stage.base))  # NaN is neither: 0
        return stage

    def close(self, state: State, error: Fault | None, cancel_requested_at: float | None) -> Snapshot:
        """The last snapshot; success is 100 %, whatever was counted."""
        if state is State.SUCCEEDED:
            self._stages.finish(time.monotonic())
        if error is not None:
            error = Fault(code=printable(error.code, LONGEST_NAME), text=printable(error.text, LONGEST_MESSAGE))
        last = replace(self.snapshot(state, cancel_requested_at), error=error, rate=None)
        return replace(last, percent=FULL_PERCENT, stage=None) if state is State.SUCCEEDED else last


def _length(iterable: object) -> int | None:
    """How many items there are to come, None when that is unknown."""
    if type(iterable) in POSITIONED:
        return len(iterable)  # type: ignore[arg-type]
    return length_hint(iterable, -1) if hasattr(iterable, "__len__") else None


def _shown(value: Any) -> float:
    """A count that can be shown: what is not a number and negative ones are 0."""
    return max(0.0, number(value))


def _plain(value: float) -> float:
    """A number of Python's own, whatever a job counts with; a whole one without fraction: 4210 and not 4210.0."""
    whole = int(value)
    return whole if value == whole else float(value)
