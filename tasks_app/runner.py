"""Runs one task: claims it, runs its job, writes what came of it, and only then tells the viewers."""

import logging
import time
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django.db import DatabaseError, close_old_connections

from progress_app import conf as progress_conf
from progress_app import connections
from progress_app.events import State
from progress_app.reporter import Reporter
from tasks_app import attachments, conf, outbox, registry
from tasks_app.host import TaskHost
from tasks_app.models import Task
from tasks_app.outcome import Ending, Outcome, outcome_of

WRITE_WITHIN_S: Final = 40.0  # the lease is lost soon after; whoever has the task then runs it again
FIRST_PAUSE_S: Final = 0.5

logger = logging.getLogger(__name__)


def run(task_id: str, *, worker: str) -> None:
    """Run the task if it still waits; a second message for it finds it claimed and does nothing.

    Raises:
        SystemExit: the worker is being stopped; the task has been handed back.

    """
    task = _claimed(UUID(task_id), worker)
    if task is None:
        logger.info("Task %s does not wait any more; this message is a second copy.", task_id)
        return
    reporter = _reporter(task)
    reporter.start()
    outcome = outcome_of(lambda: _work(task, reporter))
    try:
        _write(task, reporter, outcome)
    except SystemExit:  # stopped while writing: every write is conditional, so writing again is safe
        _write(task, reporter, outcome)
        raise
    if outcome.ending is Ending.HAND_BACK:
        raise SystemExit


def _claimed(task_id: UUID, worker: str) -> Task | None:
    row = Task.objects.filter(pk=task_id)
    task: Task | None = row.first()
    if task is None or not row.claim(attempt=task.attempt, worker=worker, lease_s=conf.get().lease_s):
        return None
    task.attempt += 1
    return task


def _reporter(task: Task) -> Reporter:
    job, settings, progress = registry.find(task.job), conf.get(), progress_conf.get()
    return Reporter(
        task=str(task.pk),
        job=task.job,
        attempt=task.attempt,
        backend=connections.backend(),
        host=TaskHost(task, lease_s=settings.lease_s),
        stages=job.stages if job else (),
        renew_interval_s=settings.renew_s,
        lease_s=settings.lease_s,
        interval_s=progress.send_interval_s,
        pulse_s=progress.pulse_s,
    )


def _work(task: Task, reporter: Reporter) -> Any:
    job = registry.get(task.job)
    return job.function(reporter, **job.bind(task.params, attachments.inputs(task)))


def _write(task: Task, reporter: Reporter, outcome: Outcome) -> None:
    """Bring the attempt to its end in the database, then in Redis."""
    job = registry.find(task.job)
    if outcome.ending is Ending.LEAVE:
        reporter.settle(State.LOST)
        logger.warning("Task %s: attempt %d was superseded and wrote nothing.", task.pk, task.attempt)
    elif outcome.ending is Ending.HAND_BACK and job is not None and job.restartable:
        _put_back(task, reporter, outcome, State.QUEUED)
    elif outcome.ending is Ending.HAND_BACK:
        _finish(task, reporter, Outcome(ending=Ending.FINISH, state=State.LOST))
    elif outcome.ending is Ending.FAIL and job is not None and task.failures + 1 < job.max_attempts:
        _put_back(task, reporter, outcome, State.RETRYING, failures=task.failures + 1)
    else:
        _finish(task, reporter, outcome)


def _put_back(task: Task, reporter: Reporter, outcome: Outcome, state: State, **noted: Any) -> None:
    """Let the task be run again; one that was to be cancelled is cancelled instead."""
    snapshot = reporter.settle(state, outcome.error)
    row = Task.objects.filter(pk=task.pk)
    text = snapshot.to_json().decode()
    if _insist(lambda: row.hand_back(attempt=task.attempt, state=state, snapshot=text, **noted)):
        reporter.publish_end()
        outbox.publish(Task.objects.get(pk=task.pk))
    else:
        _finish(task, reporter, Outcome(ending=Ending.FINISH, state=State.CANCELLED))


def _finish(task: Task, reporter: Reporter, outcome: Outcome) -> None:
    snapshot = reporter.settle(outcome.state, outcome.error)
    error, row = outcome.error, Task.objects.filter(pk=task.pk)
    written = _insist(
        lambda: row.finish(
            attempt=task.attempt,
            state=outcome.state,
            result=outcome.result,
            error_code=error.code if error else "",
            error_text=error.text if error else "",
            traceback=outcome.traceback,
            failures=task.failures + (outcome.ending is Ending.FAIL),
            percent=snapshot.percent,
            message=snapshot.message,
            snapshot=snapshot.to_json().decode(),
            pace=reporter.paces() if outcome.state is State.SUCCEEDED else {},
            log=[{"level": e.level.value, "text": e.text, "ts": e.ts} for e in reporter.log_entries()],
        )
    )
    if not written and not row.filter(attempt=task.attempt, state=outcome.state).exists():
        logger.warning("Task %s: attempt %d ended, but the task is not its own any more.", task.pk, task.attempt)
    elif not reporter.publish_end():
        row.update(end_sent=False)


def _insist(write: Callable[[], bool]) -> bool:
    """Write, and try again while the database is away; what comes of hours of work is not given up lightly."""
    began_s, pause_s = time.monotonic(), FIRST_PAUSE_S
    while True:
        try:
            return write()
        except DatabaseError:
            if time.monotonic() - began_s > WRITE_WITHIN_S:
                raise
            logger.warning("The database did not take the end of a task; trying again.", exc_info=True)
        close_old_connections()
        time.sleep(pause_s)
        pause_s *= 2
