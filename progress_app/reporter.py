"""What a job holds to say how far it is.

    with progress.stage("Load", total=n, unit="rows"):
        for row in progress.track(rows):
            ...
    progress.log("3 rows skipped", level="warning")

The calls only write down; `sender` does the talking. Progress never breaks a job: a count that is negative or not a
number is read as 0, one above its total shows as 100 % of its stage, a message is cut at 500 characters, a log text
at 2,000. Only what cannot be meant raises `UsageError`: a stage of a stage of a stage, the same stage twice, a call
after the end.
"""

import logging
import math
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from enum import Enum
from operator import length_hint
from pathlib import Path
from typing import IO, Final, Protocol, TypeVar

from progress_app.backends.base import Answer, Backend, Verdict
from progress_app.events import FULL_PERCENT, Fault, Level, LogEntry, Snapshot, State
from progress_app.exceptions import AttemptSuperseded, BackendUnavailable, TaskCancelled, UsageError
from progress_app.logbook import Logbook, printable
from progress_app.rate import Rate
from progress_app.sender import Sender
from progress_app.stages import Stages
from progress_app.tally import POSITIONED, Tally

LONGEST_MESSAGE: Final = 500
T = TypeVar("T")

logger = logging.getLogger(__name__)


class Lease(Enum):
    """What a host answers to a renewal."""

    HELD = "held"
    CANCELLED = "cancelled"  # held, and somebody asked to cancel
    LOST = "lost"  # another attempt has it, or the task has ended


class Host(Protocol):
    """What a reporter may ask of the project. Called in the reporter's lease thread, but `attach` in the job's."""

    def renew(self, snapshot: Snapshot) -> Lease:
        """Renew the attempt's lease and note how far it is; may raise, and is then asked again."""

    def attach(self, file: IO[bytes] | Path, name: str) -> None:
        """Keep a file with the task."""


class Reporter:
    """The progress of one attempt at one task.

    Args:
        task, job, attempt: which.
        backend: where snapshots go.
        host: the project.
        stages: names of the job's stages, in order.
        renew_interval_s, lease_s: how often the lease is renewed, and how long it is valid, in seconds.
        interval_s, pulse_s: the least time between two sends, and the longest, in seconds.
        cancel_requested_at: the Unix time in seconds of a cancel request that is already known.

    """

    def __init__(
        self, *, task: str, job: str, attempt: int, backend: Backend, host: Host, stages: Sequence[str] = (),
        renew_interval_s: float = 15.0, lease_s: float = 45.0, interval_s: float = 0.1, pulse_s: float = 1.0,
    ) -> None:  # fmt: skip
        self._identity = Snapshot(task=task, job=job, attempt=attempt, state=State.RUNNING, started_at=time.time())
        self._backend = backend
        self._host = host
        self._stop: list[BaseException] = []
        self._told = False
        self._tally = Tally(self._stop, self.raise_if_cancelled)
        self._stages = Stages(stages)
        self._rate = Rate()
        self._log = Logbook(task, time.time)
        self._message = ""
        self._cancel_requested_at: float | None = None
        self._began_s = time.monotonic()
        self._sent: tuple[object, ...] = ()
        self._settled: Snapshot | None = None
        self._sender = Sender(
            self, interval_s=interval_s, pulse_s=pulse_s, renew_interval_s=renew_interval_s, lease_s=lease_s
        )

    # For the job

    def track(self, iterable: Iterable[T], total: float | None = None, unit: str = "") -> Iterator[T]:
        """The same items, counted as the loop goes through them.

        Args:
            iterable: anything to loop over.
            total: how many there are; None: as many as its length says, or unknown.
            unit: what is counted, in the plural.

        """
        stage = self._checked("track").current
        if total is None and stage.total is None:
            total = _length(iterable)
        if total is not None:
            stage.total = total
        stage.unit = unit or stage.unit
        return self._tally.over(iterable)

    def advance(self, n: float = 1) -> None:
        """Count `n` more; from any thread."""
        self._tally.add(n)
        if self._stop:
            self._tell()

    def update(self, current: float | None = None, total: float | None = None, message: str | None = None) -> None:
        """Set the count of the open stage, its total, or the message; None leaves it as it is."""
        stage = self._checked("update").current
        if current is not None:
            stage.base = self._tally.read() - _count(current)
        if total is not None:
            stage.total = _count(total)
        if message is not None:
            self._message = printable(message, LONGEST_MESSAGE)
        if self._stop:
            self._tell()

    def plan(self, stages: Mapping[str, float] | Sequence[str]) -> None:
        """Say which stages this run has when they are others than those declared with the job.

        Args:
            stages: the names in order, each with its weight or all of the same weight.

        Raises:
            UsageError: a stage has begun already, more than 64, or a weight below 0.

        """
        weights = stages if isinstance(stages, Mapping) else dict.fromkeys(stages, 1.0)
        self._checked("plan").plan(weights)
        self._sender.hurry()

    @contextmanager
    def stage(
        self, name: str, total: float | None = None, weight: float | None = None, unit: str = ""
    ) -> Generator[None]:
        """Open a stage for the length of a `with` block; stages nest two deep.

        Args:
            name: as declared with the job, or a new one.
            total: how much there is to count in it; None: unknown.
            weight: its share of the whole, beside those of the others; None: as planned, else 1.
            unit: what is counted, in the plural.

        Raises:
            UsageError: nested too deep, opened before, or a weight below 0.

        """
        stages, now_s = self._checked("stage"), time.monotonic()
        stage = stages.open(name, weight=weight, total=total, unit=unit, at=self._tally.read(), now_s=now_s)
        self._rate = Rate()
        self._sender.hurry()
        self.raise_if_cancelled()
        yield  # an exception leaves the stage open: the page then shows where the job ended
        stages.close(stage, at=self._tally.read(), now_s=time.monotonic())
        self._sender.hurry()

    def log(self, text: str, level: str = Level.INFO) -> None:
        """Write a line into the task's log; beyond 50 a second lines are counted instead of kept.

        Raises:
            UsageError: the level is none of debug, info, warning, error.

        """
        self._checked("log")
        if level not in tuple(Level):
            raise UsageError(f"log(level={level!r}): expected one of {', '.join(Level)}.")
        self._log.write(text, Level(level))
        if self._stop:
            self._tell()

    def raise_if_cancelled(self) -> None:
        """Raise TaskCancelled if somebody cancelled the task, AttemptSuperseded if another worker has it."""
        if self._stop:
            self._told = True
            raise self._stop[0]

    def attach(self, file: IO[bytes] | Path, name: str) -> None:
        """Keep a file as a result of the task, under this name."""
        self._checked("attach")
        self._host.attach(file, name)

    def _tell(self) -> None:
        """Raise once: what the job does in its `finally` blocks may report again."""
        if not self._told:
            self.raise_if_cancelled()

    def _checked(self, call: str) -> Stages:
        if self._settled is not None:
            raise UsageError(
                f"{call}() after the end: the final event of task {self._identity.task} is made; start a new task."
            )
        return self._stages

    # For the runner

    def start(self) -> None:
        """Send the first snapshot and keep sending; in the process that runs the job."""
        self._sender.hurry()
        self._sender.start()

    def settle(self, state: State, error: Fault | None = None) -> Snapshot:
        """Stop sending and make the last snapshot; success is 100 %. It goes out with `publish_end`.

        A `state` that is not final hands the task back.
        """
        self._sender.stop()
        if state is State.SUCCEEDED:
            self._stages.finish(time.monotonic())
        snapshot = replace(self._snapshot(), state=state, error=error, rate=None)
        if state is State.SUCCEEDED:
            snapshot = replace(snapshot, percent=FULL_PERCENT, stage=None)
        self._settled = snapshot
        return snapshot

    def publish_end(self) -> bool:
        """Send the last snapshot; False: Redis did not take it, somebody must send it again."""
        if self._settled is None:
            raise UsageError("publish_end() before settle(): the last snapshot is not made yet.")
        entries = self._log.take()
        try:
            answer = self._backend.publish(replace(self._settled, ts=time.time()), entries)
        except BackendUnavailable as error:
            logger.warning("The end of task %s was not sent yet: %s", self._identity.task, error)
            return False
        return answer.verdict is not Verdict.SUPERSEDED

    def log_entries(self) -> list[LogEntry]:
        """The newest log entries of this attempt, for keeping with the task."""
        return self._log.kept()

    # For the sender's threads

    def changed(self) -> bool:
        """As `sender.Source.changed`."""
        return self._log.has_news or self._sent != (
            self._tally.read(),
            self._message,
            self._stages.current.total,
        )

    def send(self) -> Answer:
        """As `sender.Source.send`."""
        entries, news = self._log.take(), (self._tally.read(), self._message, self._stages.current.total)
        try:
            answer = self._backend.publish(self._snapshot(), entries)
        except BaseException:
            self._log.give_back(entries)
            raise
        self._sent = news
        self._log.lost(answer.log_lost)
        if answer.verdict is not Verdict.ACCEPTED:
            self._interrupt(AttemptSuperseded(f"A newer attempt at task {self._identity.task} has taken over."))
        elif answer.cancel_requested_at is not None:
            self._cancel(answer.cancel_requested_at)
        return answer

    def renew(self) -> bool:
        """As `sender.Source.renew`."""
        lease = self._host.renew(self._snapshot())
        if lease is Lease.LOST:
            self._interrupt(AttemptSuperseded(f"The lease of task {self._identity.task} is lost."))
        elif lease is Lease.CANCELLED:
            self._cancel(time.time())
        return lease is not Lease.LOST

    def _cancel(self, at: float) -> None:
        if self._cancel_requested_at is None:
            self._cancel_requested_at = at
            self._interrupt(TaskCancelled(f"Task {self._identity.task} was cancelled."))
            self._sender.hurry()

    def _interrupt(self, reason: BaseException) -> None:
        if not self._stop:
            self._stop.append(reason)

    def _snapshot(self) -> Snapshot:
        """The present state; in any thread."""
        now, now_s = time.time(), time.monotonic()
        stage, read = self._stages.current, self._tally.read()
        stage.count = max(0.0, read - stage.base)
        self._rate.observe(now_s, stage.count)
        rate = self._rate.per_s
        return replace(
            self._identity,
            state=State.RUNNING if self._cancel_requested_at is None else State.CANCELLING,
            current=_plain(stage.count) or 0,
            total=_plain(stage.total),
            unit=stage.unit,
            percent=self._stages.percent(),
            message=self._message,
            stage=self._stages.ref(),
            stages=self._stages.views(now_s),
            rate=None if rate is None else round(rate, 2),
            cancel_requested_at=self._cancel_requested_at,
            elapsed=round(now_s - self._began_s, 1),
            ts=round(now, 6),
        )


def _length(iterable: object) -> int | None:
    """How many items there are to come, None when that is unknown."""
    if type(iterable) in POSITIONED:
        return len(iterable)  # type: ignore[arg-type]
    return length_hint(iterable, -1) if hasattr(iterable, "__len__") else None


def _count(value: float) -> float:
    """A count that can be shown: not a number and negative ones are 0."""
    return value if math.isfinite(value) and value > 0 else 0


def _plain(value: float | None) -> float | None:
    """A whole number without its fraction, so that JSON says 4210 and not 4210.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
