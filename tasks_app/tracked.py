"""The reporter of a tracked Celery task: its row is its host, and gets its end."""

from collections.abc import Sequence
from functools import partial
from types import TracebackType
from typing import Any

from django.db.models.functions import Now

from progress_app import conf as progress_conf
from progress_app import connections, recorder
from progress_app.events import State
from progress_app.exceptions import AttemptSuperseded, TaskCancelled, UsageError
from progress_app.host import Fan
from tasks_app import attempts, conf, runner
from tasks_app.host import TaskHost
from tasks_app.models import Task
from tasks_app.outcome import Ending, Outcome, outcome_of
from tasks_app.past import past_of
from tasks_app.permissions import audience


class TrackedHost(TaskHost):
    """As `TaskHost`; Celery has its own way to start other tasks."""

    def map(self, _fan: Fan) -> Fan:
        """As `Host.map`: the row of a parent waits without a worker, which Celery does not know."""
        raise UsageError("map() in a tracked Celery task: make it a job, whose tasks have children.")


class TrackedReporter(recorder.Reporter):
    """As `recorder.Reporter`; it ends when Celery says so, because a retry is known only then.

    `left_by` is the cancel that the task was left by.
    """

    def __init__(self, row: Task, **about: Any) -> None:
        super().__init__(**about)
        self._row = row
        self.left_by: BaseException | None = None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        stops = isinstance(error, TaskCancelled | AttemptSuperseded)
        self.left_by = error if stops else self.left_by
        return stops

    def conclude(self, error: BaseException | None, result: Any) -> None:
        """As `recorder.Reporter.conclude`: write the end into the row, then send it."""
        error = self.left_by or error
        state = recorder.state_after(error)
        if isinstance(error, AttemptSuperseded):
            self.settle(State.LOST)
        elif state is State.RETRYING:
            failures = self._row.failures + 1
            outcome = Outcome(ending=Ending.FAIL, state=state)
            # From now on it is Celery's to run it again: see `transitions.forgotten`.
            runner.put_back(self._row, self, outcome, state, attempts.FAILED, failures=failures, next_at=Now())
        elif state is State.FAILED:
            runner.finish(self._row, self, outcome_of(partial(_raise, error)))
        else:
            kept = _kept(result) if state is State.SUCCEEDED else None
            runner.finish(self._row, self, Outcome(ending=Ending.FINISH, state=state, result=kept))


def _raise(error: BaseException | None) -> None:
    if error is not None:
        raise error


def _kept(result: Any) -> Any:
    """What the row keeps of a result: None where it is no JSON, or too long."""
    return outcome_of(lambda: result).result


def tracked_reporter(row: Task, stages: Sequence[str]) -> TrackedReporter:
    """The reporter of a row as it was claimed."""
    settings, progress = conf.get(), progress_conf.get()
    return TrackedReporter(
        row,
        task=str(row.pk),
        job=row.job,
        attempt=row.attempt,
        backend=connections.backend(),
        host=TrackedHost(row, lease_s=settings.lease_s),
        stages=stages,
        renew_interval_s=settings.renew_s,
        lease_s=settings.lease_s,
        interval_s=progress.send_interval_s,
        pulse_s=progress.pulse_s,
        past=past_of(row),
        audience=audience(row),
    )
