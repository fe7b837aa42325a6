"""Progress from plain Celery tasks: a reporter for any of them, and celery-progress's recorder by its signature.

    @shared_task(bind=True)
    def import_rows(self, rows):
        with Reporter.for_celery(self) as progress:
            for row in progress.track(rows):
                ...

Celery itself is not imported: a task is whatever has a `request` with `id`, `retries` and a `task` name. Who may watch
such a task is up to the project's PROGRESS_MAY_READ; without one nobody may.

1. A recorder is never told that its function has ended: `ended` is called for it, by a handler of Celery's signal
   `task_postrun` (tasks_app connects one; elsewhere two lines do).
2. A cancel leaves the `with` block. It must not leave the function as an exception: Celery takes a BaseException for
   the end of its worker process.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self
from uuid import NAMESPACE_OID, UUID, uuid5

from django.utils.translation import gettext_noop

from progress_app import conf, connections
from progress_app.checkpoint import Checkpoint
from progress_app.events import Fault, Snapshot, State
from progress_app.exceptions import AttemptSuperseded, TaskCancelled, UsageError
from progress_app.host import Fan, Lease
from progress_app.outlook import Paces
from progress_app.reading import Reading
from progress_app.reporter import Reporter as PlainReporter
from progress_app.words import also

NO_LEASE_S: Final = float("inf")  # nobody else runs a plain task's attempt: Celery alone knows of it
ASK_NEVER_S: Final = 86_400.0 * 30
FAILED: Final = Fault(code="failed", text=gettext_noop("The task stopped because of a fault in its program."))
also([FAILED.text])


class Lonely:
    """As `Host`, for a task that no project keeps a record of."""

    def renew(self, _snapshot: Snapshot) -> Lease:
        """As `Host.renew`."""
        return Lease.HELD

    def attach(self, _file: IO[bytes] | Path, name: str) -> None:
        """As `Host.attach`: there is nowhere to keep it."""
        raise UsageError(f"attach({name!r}) in a plain Celery task: make it a job, whose tasks keep files.")

    def earlier(self) -> Sequence[Paces]:
        """As `Host.earlier`: nothing is kept of earlier runs."""
        return ()

    def checkpoint(self, _point: Checkpoint) -> None:
        """As `Host.checkpoint`: there is nowhere to keep it."""
        raise UsageError("checkpoint() in a plain Celery task: make it a job, whose next attempt finds it.")

    def map(self, _fan: Fan) -> Fan:
        """As `Host.map`: a plain task has no row to be a parent."""
        raise UsageError("map() in a plain Celery task: make it a job, whose tasks have children.")


class Dial:
    """Where a recorder shows how far its task is; `description` is the last that was not empty."""

    __slots__ = ("description", "reading")

    def __init__(self) -> None:
        self.reading = Reading(0, 0)
        self.description = ""


class Reporter(PlainReporter):
    """A reporter for a plain Celery task; a context manager that starts it and sends its end.

    `dial` is for who cannot afford a call: it is looked at whenever something is sent.
    """

    def __init__(self, **about: Any) -> None:
        super().__init__(**about)
        self.dial = Dial()
        self._looked_at = self.dial.reading
        self.teller.look = self._look
        self._stage_of_life = threading.Lock()
        self._is_started = self._is_over = False

    @classmethod
    def for_celery(cls, task: Any, *, stages: Sequence[str] = ()) -> "Reporter":
        """The reporter of a bound task's present attempt; the same one whenever it is asked for.

        Args:
            task: `self` of a task with `bind=True`.
            stages: names of its stages, in order.

        Raises:
            UsageError: the task is not running, so that there is no id to report under.

        """
        if not task.request.id:
            raise UsageError("for_celery() outside a running task: call it in the body of a task with bind=True.")
        return _running.of(task, stages)

    def begin(self) -> None:
        """Start to send; nothing when that was done before."""
        with self._stage_of_life:
            if not self._is_started:
                self._is_started = True
                self.start()

    def end(self, error: BaseException | None, result: Any = None) -> None:
        """Conclude, once; `error` is what ended the task, None: success."""
        with self._stage_of_life:
            if self._is_over:
                return
            self._is_over = True
        self._look()
        self.conclude(error, result)

    def conclude(self, error: BaseException | None, _result: Any) -> None:
        """Send the end that this exception means. What it says is not shown: anybody may have written it."""
        state = state_after(error)
        self.settle(state, FAILED if state is State.FAILED else None)
        self.publish_end()

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        stops = isinstance(error, TaskCancelled | AttemptSuperseded)
        if error is None or stops or not _running.hears_of_ends:
            self.end(error)
        return stops

    def _look(self) -> None:
        reading = self.dial.reading
        if reading is not self._looked_at:
            self._looked_at = reading
            self._ledger.update(reading.current, reading.total, self.dial.description)


CELERYS: Final = {"Retry": State.RETRYING, "Ignore": State.CANCELLED, "Reject": State.CANCELLED}


def state_after(error: BaseException | None) -> State:
    """The state that a task is in after this exception; None: it returned."""
    if error is None:
        return State.SUCCEEDED
    if isinstance(error, TaskCancelled):
        return State.CANCELLED
    if isinstance(error, SystemExit):  # its worker stops, and Celery forgets the task
        return State.LOST
    # Celery has exceptions of its own for what is no failure; they are known by name, as it is not imported.
    named = (CELERYS.get(base.__name__) for base in type(error).__mro__)
    return next((state for state in named if state), State.FAILED)


def task_id(celery_id: str) -> str:
    """The UUID under which a Celery id is watched: itself if it is one, else one made of it."""
    try:
        return str(UUID(celery_id))
    except ValueError:
        return str(uuid5(NAMESPACE_OID, celery_id))


class ProgressRecorder:
    """celery-progress's recorder: the same calls, a thousand times cheaper.

    Args:
        task: `self` of a task with `bind=True`.

    """

    def __init__(self, task: Any) -> None:
        self.task = task
        reporter = Reporter.for_celery(task)
        reporter.begin()
        self._dial = reporter.dial

    def set_progress(self, current: float, total: float, description: str = "") -> tuple[str, Reading]:
        """Set how far the task is; an empty description leaves the last one. Returns what celery-progress returns.

        The second of it is a read-only mapping, equal to celery-progress's dictionary; `dict()` makes it one.
        """
        dial = self._dial
        if description:
            dial.description = description
        dial.reading = reading = Reading(current, total, description)
        return "PROGRESS", reading

    def increment_progress(self, by: float = 1, description: str = "") -> None:
        """Count `by` more."""
        reading = self._dial.reading
        self.set_progress(reading.current + by, reading.total, description)


class _Running:
    """The reporters of the tasks that this process runs now, by Celery id."""

    def __init__(self) -> None:
        self.hears_of_ends = False
        self._lock = threading.Lock()
        self._reporters: dict[str, Reporter] = {}

    def of(self, task: Any, stages: Sequence[str]) -> Reporter:
        """The reporter of a task's present attempt."""
        request = task.request
        with self._lock:
            found = self._reporters.get(request.id)
            if found is None:
                attempt = request.retries + 1
                found = _made(task_id(request.id), task.name or "", attempt, stages)
                self._reporters[request.id] = found
            return found

    def find(self, celery_id: str) -> Reporter | None:
        """The reporter of a running task, None if it has none yet."""
        return self._reporters.get(celery_id)

    def adopt(self, celery_id: str, reporter: Reporter) -> None:
        """Let a running task report by this one."""
        with self._lock:
            self._reporters[celery_id] = reporter

    def forget(self, celery_id: str) -> Reporter | None:
        """Give the reporter up."""
        with self._lock:
            return self._reporters.pop(celery_id, None)


def _made(task: str, job: str, attempt: int, stages: Sequence[str]) -> Reporter:
    settings = conf.get()
    return Reporter(
        task=task, job=job, attempt=attempt, backend=connections.backend(), host=Lonely(), stages=stages,
        renew_interval_s=ASK_NEVER_S, lease_s=NO_LEASE_S,
        interval_s=settings.send_interval_s, pulse_s=settings.pulse_s,
    )  # fmt: skip


_running = _Running()
find = _running.find
adopt = _running.adopt


def hear_of_ends() -> None:
    """Say that `ended` will be called for every task: an exception is then an end only if Celery does not try again."""
    _running.hears_of_ends = True


def ended(celery_id: str, error: BaseException | None, result: Any = None) -> None:
    """Send the end of a task, unless it was sent already; nothing for a task that reports nothing.

    Args:
        celery_id: of the task.
        error: what ended it, a Retry of Celery too; None: success.
        result: what it returned.

    """
    reporter = _running.forget(celery_id)
    if reporter is not None:
        reporter.end(error, result)
