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
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import IO, Final, Protocol, TypeVar

from progress_app.backends.base import Answer, Backend, Verdict
from progress_app.events import Fault, Level, LogEntry, Snapshot, State
from progress_app.exceptions import AttemptSuperseded, BackendUnavailable, TaskCancelled, UsageError
from progress_app.halt import Halt, Limits
from progress_app.ledger import Ledger
from progress_app.logbook import Logbook
from progress_app.outlook import Paces
from progress_app.rhythm import Rhythm
from progress_app.sender import Sender, uptime_s

NO_LIMITS: Final = Limits()
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

    def earlier(self) -> Sequence[Paces]:
        """The paces of earlier runs of the same job that ended well, newest first; a few are enough."""


class Reporter:
    """The progress of one attempt at one task.

    Args:
        task, job, attempt: which.
        backend: where snapshots go.
        host: the project.
        stages: names of the job's stages, in order.
        renew_interval_s, lease_s: how often the lease is renewed, and how long it is valid, in seconds.
        interval_s, pulse_s: the least time between two sends, and the longest, in seconds.
        limits: how long the job may take, and to stop.

    """

    def __init__(
        self, *, task: str, job: str, attempt: int, backend: Backend, host: Host, stages: Sequence[str] = (),
        renew_interval_s: float = 15.0, lease_s: float = 45.0, interval_s: float = 0.1, pulse_s: float = 1.0,
        limits: Limits = NO_LIMITS,
    ) -> None:  # fmt: skip
        self._identity = Snapshot(task=task, job=job, attempt=attempt, state=State.RUNNING, started_at=time.time())
        self._backend = backend
        self._host = host
        self._halt = Halt(limits, uptime_s, self._cannot_force)
        self._stop = self._halt.reasons
        self._tell = self._halt.tell
        self._rhythm = Rhythm(uptime_s)
        self._ledger = Ledger(self._identity, stages, self._stop, self.raise_if_cancelled)
        self._count: Callable[[float], None] = self._ledger.count
        self._log = Logbook(task, time.time)
        self._cancel_requested_at: float | None = None
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
        return self._checked("track").track(iterable, total, unit)

    def advance(self, n: float = 1) -> None:
        """Count `n` more; from any thread."""
        self._count(n)
        if self._stop:
            self._tell()

    def update(self, current: float | None = None, total: float | None = None, message: str | None = None) -> None:
        """Set the count of the open stage, its total, or the message; None leaves it as it is."""
        self._checked("update").update(current, total, message)
        if self._stop:
            self._tell()

    def plan(self, stages: Mapping[str, float] | Sequence[str]) -> None:
        """Say which stages this run has when they are others than those declared with the job.

        Args:
            stages: the names in order, each with its weight or all of the same weight.

        Raises:
            UsageError: a stage has begun already, more than 64, or a weight below 0.

        """
        self._checked("plan").plan(stages)
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
        with self._checked("stage").stage(name, total, weight, unit):
            self._sender.hurry()
            if self._stop:
                self._tell()
            yield
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
        """Raise TaskCancelled, TimeLimitReached, or AttemptSuperseded if another worker has the task."""
        if self._stop:
            self._halt.check()

    def attach(self, file: IO[bytes] | Path, name: str) -> None:
        """Keep a file as a result of the task, under this name."""
        self._checked("attach")
        self._host.attach(file, name)

    def _refuse(self, _n: float) -> None:
        self._checked("advance")

    def _checked(self, call: str) -> Ledger:
        if self._settled is not None:
            raise UsageError(
                f"{call}() after the end: the final event of task {self._identity.task} is made; start a new task."
            )
        return self._ledger

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
        snapshot = self._ledger.close(state, error, self._cancel_requested_at)
        self._settled = snapshot
        self._count = self._refuse  # so that `advance` need not look each time
        return snapshot

    def publish_end(self) -> bool:
        """Send the last snapshot; False: Redis did not take it, somebody must send it again."""
        if self._settled is None:
            raise UsageError("publish_end() before settle(): the last snapshot is not made yet.")
        entries = self._log.take()
        try:
            answer = self._backend.publish(replace(self._settled, ts=time.time()), entries)
        except BackendUnavailable as error:
            self._log.give_back(entries)
            logger.warning("The end of task %s was not sent yet: %s", self._identity.task, error)
            return False
        return answer.verdict is not Verdict.SUPERSEDED

    def log_entries(self) -> list[LogEntry]:
        """The newest log entries of this attempt, for keeping with the task."""
        return self._log.kept()

    def paces(self) -> Paces:
        """How this attempt went through its stages, for keeping with the task: later runs forecast from it."""
        return self._ledger.paces()

    # For the sender's threads

    def changed(self) -> bool:
        """As `sender.Source.changed`."""
        mark = self._ledger.mark
        self._rhythm.observe(mark)
        return self._log.has_news or self._sent != mark

    def send(self) -> Answer:
        """As `sender.Source.send`."""
        entries, news = self._log.take(), self._ledger.mark
        try:
            answer = self._backend.publish(self._snapshot(), entries)
        except BaseException:
            self._log.give_back(entries)
            raise
        self._sent = news
        self._log.lost(answer.log_lost)
        if answer.verdict is not Verdict.ACCEPTED:
            self._halt.ask(AttemptSuperseded(f"A newer attempt at task {self._identity.task} has taken over."))
        elif answer.cancel_requested_at is not None:
            self._cancel(answer.cancel_requested_at)
        return answer

    def renew(self) -> bool:
        """As `sender.Source.renew`."""
        lease = self._host.renew(self._snapshot())
        if lease is Lease.LOST:
            self._halt.ask(AttemptSuperseded(f"The lease of task {self._identity.task} is lost."))
        elif lease is Lease.CANCELLED:
            self._cancel(time.time())
        return lease is not Lease.LOST

    def recall(self) -> None:
        """As `sender.Source.recall`."""
        self._ledger.recall(self._host.earlier())

    def _cancel(self, at: float) -> None:
        if self._cancel_requested_at is None:
            self._cancel_requested_at = at
            self._halt.ask(TaskCancelled(f"Task {self._identity.task} was cancelled."))
            self._sender.hurry()

    def hold(self) -> None:
        """As `sender.Source.hold`."""
        self._halt.hold()

    def resume(self) -> None:
        """As `sender.Source.resume`."""
        self._halt.resume()

    def watch(self) -> None:
        """As `sender.Source.watch`."""
        self._halt.watch()

    def _cannot_force(self) -> None:
        self._log.write("It does not stop, and its worker cannot make it: it goes on to its next step.", Level.WARNING)

    def _snapshot(self) -> Snapshot:
        state = State.RUNNING if self._cancel_requested_at is None else State.CANCELLING
        snapshot = self._ledger.snapshot(state, self._cancel_requested_at)
        return replace(snapshot, stalled_s=self._rhythm.stalled_s)
