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

import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, Final, TypeVar, overload

from progress_app.backends.base import Backend
from progress_app.checkpoint import Checkpoint, checked
from progress_app.events import Fault, Level, LogEntry, Snapshot, State
from progress_app.exceptions import UsageError
from progress_app.halt import Halt, Limits
from progress_app.host import FRESH, Fan, Host, OnFailure, Past
from progress_app.ledger import Ledger
from progress_app.logbook import Logbook
from progress_app.outlook import Paces
from progress_app.rollup import Member, Rollup, Sums
from progress_app.sender import uptime_s
from progress_app.teller import Teller

NO_LIMITS: Final = Limits()
T = TypeVar("T")


class Reporter:
    """The progress of one attempt at one task.

    Attributes:
        checkpointed: what the newest checkpoint of the attempts before held, None if there is none.

    Args:
        task, job, attempt: which.
        backend: where snapshots go.
        host: the project.
        stages: names of the job's stages, in order.
        renew_interval_s, lease_s: how often the lease is renewed, and how long it is valid, in seconds.
        interval_s, pulse_s: the least time between two sends, and the longest, in seconds.
        limits: how long the job may take, and to stop.
        past: what earlier attempts left.
        member: its place among the children of another task, None if it is nobody's child.
        audience: who sees the task's row in lists, as `Backend.publish` names them.

    """

    def __init__(
        self, *, task: str, job: str, attempt: int, backend: Backend, host: Host, stages: Sequence[str] = (),
        renew_interval_s: float = 15.0, lease_s: float = 45.0, interval_s: float = 0.1, pulse_s: float = 1.0,
        limits: Limits = NO_LIMITS, past: Past = FRESH, member: Member | None = None, audience: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self._identity = Snapshot(
            task=task, job=job, attempt=attempt, state=State.RUNNING, started_at=time.time(), children=past.children
        )
        self._host = host
        self._halt = Halt(limits, uptime_s, lambda: self.teller.cannot_force())  # noqa: PLW0108  (it is made below)
        self._stop = self._halt.reasons
        self._tell = self._halt.tell
        self._ledger = Ledger(self._identity, stages, self._stop, self.raise_if_cancelled)
        self._mine: Any = self._ledger.mine
        self._count: Callable[[float], None] = self._ledger.count
        self._log = Logbook(task, time.time)
        self._settled: Snapshot | None = None
        self._parked: tuple[Rollup, Checkpoint] | None = None
        self.teller = Teller(
            task, publish=partial(backend.publish, member=member, audience=audience),
            host=host, ledger=self._ledger, log=self._log, halt=self._halt,
            interval_s=interval_s, pulse_s=pulse_s, renew_interval_s=renew_interval_s, lease_s=lease_s,
        )  # fmt: skip
        self._sender = self.teller.sender
        self.checkpointed: Any = past.checkpoint.data
        self.point: Checkpoint | None = None  # the newest one of this attempt
        self.fan: Fan | None = None  # the children that it has asked for
        if told := self._ledger.resume(past.checkpoint, past.elapsed_s):
            self._log.write(f"{told} (attempt {attempt}).", Level.INFO)

    # For the job

    @property
    def task(self) -> str:
        """The task's id."""
        return self._identity.task

    @overload
    def track(self, iterable: Iterable[T], total: float | None = None, unit: str = "") -> Iterator[T]: ...

    @overload
    def track(self, iterable: AsyncIterable[T], total: float | None = None, unit: str = "") -> AsyncIterator[T]: ...

    def track(self, iterable: Any, total: float | None = None, unit: str = "") -> Any:
        """The same items, counted as the loop goes through them.

        Args:
            iterable: anything to loop over, by `for` or `async for`.
            total: how many there are; None: as many as its length says, or unknown.
            unit: what is counted, in the plural.

        """
        return self._checked("track").track(iterable, total, unit)

    def advance(self, n: float = 1) -> None:
        """Count `n` more; from any thread."""
        try:
            if n - n:  # not a finite number
                return
            self._mine.cell[0] += n  # as Tally.add, without the price of a call
        except (AttributeError, TypeError, ArithmeticError):
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
        """Keep an open file or a `Path` as a result of the task, under this name; UsageError if it is neither."""
        self._checked("attach")
        if not (isinstance(file, Path) or hasattr(file, "read")):
            raise UsageError(f"attach({file!r}, {name!r}): expected a file open for reading bytes, or a pathlib.Path.")
        self._host.attach(file, name)

    def checkpoint(self, data: Any) -> None:
        """Keep where the job is: should it run again, its next attempt finds this in `progress.checkpointed`.

        It costs no write of its own: it is kept with the lease (every 15 s) and when the task is handed back, so a
        worker that is killed may lose the newest one.

        Args:
            data: JSON, at most 64 KB.

        Raises:
            UsageError: it is not.

        """
        ledger = self._checked("checkpoint")
        self.point = ledger.checkpoint(checked(data))
        self._host.checkpoint(self.point)
        if self._stop:
            self._tell()

    def map(
        self, job: Callable[..., Any] | str, params: Iterable[Mapping[str, Any]],
        then: Callable[..., Any] | None = None, *, on_failure: str = OnFailure.STOP, stage: str | None = None,
        unit: str = "",
    ) -> None:  # fmt: skip
        """Start a child task for each of `params` as soon as this function has ended; what it returns is not kept.

        The task then holds no worker while it waits, and its bar shows how far its children are.

        Args:
            job: the children's job, or its name; they are given those of this task's files that its form has.
            params: for each child the values that the job's form takes, as JSON.
            then: a function of a module, called as `then(progress, children=…, **parameters of this task)` in the
                task's next attempt when all children have ended; None: the task ends with a count of them.
            on_failure: "stop": after the first child that ends badly the others are cancelled and the task fails;
                "go on": the others run, and `then` is told.
            stage: the stage that the children fill; None: the whole bar.
            unit: what a child is, in the plural.

        Raises:
            UsageError: called twice, in a stage, in a child or in a `then`; or the children cannot be made.

        """
        ledger = self._checked("map")
        if on_failure not in tuple(OnFailure):
            raise UsageError(f"map(on_failure={on_failure!r}): expected one of {', '.join(OnFailure)}.")
        fan = Fan(
            job=job, params=tuple(params), then=then, on_failure=OnFailure(on_failure), stage=stage, unit=unit
        )  # fmt: skip
        if self.fan is not None:
            raise UsageError("map() twice: put all the children of a task into one call.")
        ledger.fan_out(stage, len(fan.params), unit)
        self.fan = self._host.map(fan)
        self._sender.hurry()

    def _refuse_counts(self) -> None:
        """So that `advance` need not look each time."""
        self._mine, self._count = None, self._refuse

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
        snapshot = self._ledger.close(state, error, self.teller.cancel_requested_at)
        self._settled = snapshot
        self._refuse_counts()
        return snapshot

    def park(self) -> tuple[Rollup, Checkpoint]:
        """Stop sending: the task waits for its children. Gives how they are shown, and where it goes on after them."""
        if self._parked is None:
            self._sender.stop()
            self._parked = self._ledger.park()
            self._settled = self._parked[0].at(Sums(), time.time())
            self._refuse_counts()
        return self._parked

    def publish_end(self) -> bool:
        """Send the last snapshot; False: Redis did not take it, somebody must send it again."""
        if self._settled is None:
            raise UsageError("publish_end() before settle(): the last snapshot is not made yet.")
        return self.teller.send_last(self._settled)

    def log_entries(self) -> list[LogEntry]:
        """The newest log entries of this attempt, for keeping with the task."""
        return self._log.kept()

    def paces(self) -> Paces:
        """How this attempt went through its stages, for keeping with the task: later runs forecast from it."""
        return self._ledger.paces()
