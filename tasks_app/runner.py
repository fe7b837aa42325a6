"""Runs one task: claims it, runs its job, writes what came of it, and only then tells the viewers."""

import logging
import time
from collections.abc import Callable
from inspect import iscoroutine
from typing import Any, Final, TypeVar
from uuid import UUID

from django.db import DataError, Error, close_old_connections

from progress_app import conf as progress_conf
from progress_app import connections
from progress_app.events import State
from progress_app.halt import Limits
from progress_app.host import Fan
from progress_app.reporter import Reporter
from tasks_app import attachments, attempts, children, conf, coroutine, fanout, notices, outbox, registry, statements
from tasks_app.backoff import pause_s
from tasks_app.continuation import go_on
from tasks_app.family import member_of
from tasks_app.force import JobForce
from tasks_app.host import TaskHost
from tasks_app.interrupts import Interrupts
from tasks_app.joblog import keepable
from tasks_app.language import speaking
from tasks_app.limits import cancel_grace_s, hard_limit_s
from tasks_app.models import Task
from tasks_app.origin import coming_from
from tasks_app.outcome import NOT_KEPT, Ending, Outcome, outcome_of
from tasks_app.past import past_of
from tasks_app.permissions import audience
from tasks_app.transitions import from_now

WRITE_WITHIN_S: Final = 40.0  # the lease is lost soon after; whoever has the task then runs it again
CLAIM_WITHIN_S: Final = 5.0  # then the message goes back, and the worker is free for what needs no database
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 4.0

T = TypeVar("T")
logger = logging.getLogger(__name__)


class Unclaimed(Exception):
    """The database did not answer: the task still waits, and its message is to be sent again."""


def run(task_id: str, *, worker: str) -> None:
    """Run the task if it still waits; a second message for it finds it claimed and does nothing.

    Raises:
        SystemExit: the worker is being stopped; the task has been handed back.
        Unclaimed: its message is to be sent again.

    """
    interrupts = Interrupts()
    with interrupts.guarded():
        task = _claimed(UUID(task_id), worker)
        if task is None:
            logger.info("Task %s does not wait any more; this message is a second copy.", task_id)
        elif _attempt(task, interrupts) is Ending.HAND_BACK:
            raise SystemExit


def _attempt(task: Task, interrupts: Interrupts) -> Ending:
    children.began(task)
    reporter = _reporter(task, interrupts)
    reporter.start()
    with speaking(task.language):  # the job speaks as who started it reads
        outcome = outcome_of(lambda: _work(task, reporter, interrupts))
    try:
        _write(task, reporter, outcome)
    except DataError:
        logger.exception("Task %s: the database refused the end.", task.pk)
        finish(task, reporter, Outcome(ending=Ending.FAIL, state=State.FAILED, error=NOT_KEPT))
    except SystemExit:  # stopped while writing, in a shared process: every write is conditional, so again is safe
        _write(task, reporter, outcome)
        raise
    return outcome.ending


def _claimed(task_id: UUID, worker: str) -> Task | None:
    """The task, which this worker has now; None: it does not wait, or there is none."""
    lease_s, once = conf.get().lease_s, registry.once()
    try:
        return _insist(
            lambda: statements.claim(task_id, worker=worker, lease_s=lease_s, once=once), within_s=CLAIM_WITHIN_S
        )
    except Error as error:
        raise Unclaimed(f"Task {task_id} could not be claimed: {error}") from error


def _reporter(task: Task, interrupts: Interrupts) -> Reporter:
    job, settings, progress = registry.find(task.job), conf.get(), progress_conf.get()
    return Reporter(
        task=str(task.pk),
        job=task.job,
        attempt=task.attempt,
        backend=connections.backend(),
        host=TaskHost(task, lease_s=settings.lease_s),
        audience=audience(task),
        stages=job.stages if job else (),
        renew_interval_s=settings.renew_s,
        lease_s=settings.lease_s,
        interval_s=progress.send_interval_s,
        pulse_s=progress.pulse_s,
        limits=Limits(
            time_limit_s=job.time_limit_s if job else None,
            hard_limit_s=hard_limit_s(job),
            cancel_grace_s=cancel_grace_s(job),
            finally_s=settings.finally_s,
            force=JobForce(task, interrupts),
        ),
        past=past_of(task),
        member=member_of(task),
    )


def _work(task: Task, reporter: Reporter, interrupts: Interrupts) -> Any:
    with interrupts.body(), coming_from(f"task {task.pk}"):
        job = registry.get(task.job)
        values = job.bind(task.params, attachments.inputs(task) if job.takes_files else {})
        given = go_on(task, reporter, values) if task.has_children else job.function(reporter, **values)
        return coroutine.run(given, reporter) if iscoroutine(given) else given


def _write(task: Task, reporter: Reporter, outcome: Outcome) -> None:
    """Bring the attempt to its end in the database, then in Redis."""
    job = registry.find(task.job)
    if outcome.ending is Ending.LEAVE:
        reporter.settle(State.LOST)
        logger.warning("Task %s: attempt %d was superseded and wrote nothing.", task.pk, task.attempt)
    elif outcome.state is State.SUCCEEDED and reporter.fan is not None:
        _park(task, reporter, reporter.fan)
    elif outcome.ending is Ending.HAND_BACK and job is not None and job.restartable:
        _hand_back(task, reporter, outcome)
    elif outcome.ending is Ending.HAND_BACK:
        finish(task, reporter, Outcome(ending=Ending.FINISH, state=_left_as(task)))
    elif job is not None and isinstance(outcome.cause, job.retry_on) and task.failures + 1 < job.max_attempts:
        _try_again(task, reporter, outcome, job)
    else:
        finish(task, reporter, outcome)


def _hand_back(task: Task, reporter: Reporter, outcome: Outcome) -> None:
    if put_back(task, reporter, outcome, State.QUEUED, attempts.HANDED_BACK):
        outbox.publish(Task.objects.get(pk=task.pk))


def _left_as(task: Task) -> State:
    """How a task ends whose worker is stopped, and that may not run again: who cancelled it was promised that end."""
    row = Task.objects.filter(pk=task.pk, state=State.CANCELLING)
    return State.CANCELLED if _insist(row.exists) else State.LOST


def _try_again(task: Task, reporter: Reporter, outcome: Outcome, job: registry.Job) -> None:
    failures = task.failures + 1
    wait_s = pause_s(failures, first_s=job.backoff_s, most_s=job.backoff_most_s)
    noted = {"failures": failures, "next_at": from_now(wait_s)}
    if put_back(task, reporter, outcome, State.RETRYING, attempts.FAILED, **noted):
        outbox.put_later(Task.objects.get(pk=task.pk), wait_s)


def put_back(task: Task, reporter: Reporter, outcome: Outcome, state: State, ending: str, **noted: Any) -> bool:
    """Let the task be run again; False: it was to be cancelled, and is, or is not its own any more."""
    snapshot = reporter.settle(state, outcome.error)
    noted |= {"snapshot": snapshot.to_json().decode(), "log": _log(task, reporter)}
    if reporter.point is not None:
        noted["checkpoint"] = reporter.point.to_json()
    noted["past_attempts"] = attempts.with_attempt(
        task, ending, snapshot=snapshot, error=outcome.error, traceback=outcome.traceback
    )
    row = Task.objects.filter(pk=task.pk)
    moved = _insist(lambda: row.hand_back(attempt=task.attempt, state=state, **noted))
    if moved:
        reporter.publish_end()
    else:
        finish(task, reporter, Outcome(ending=Ending.FINISH, state=State.CANCELLED))
    return moved


def _park(task: Task, reporter: Reporter, fan: Fan) -> None:
    """Start the children; the task waits for them without a worker."""
    rollup, point = reporter.park()
    noted = {
        "percent": rollup.low,
        "message": rollup.snapshot.message,
        "snapshot": rollup.snapshot.to_json().decode(),
        "checkpoint": point.to_json(),
        "log": _log(task, reporter),
    }
    if _insist(lambda: fanout.start(task, fan, rollup, **noted)):
        reporter.publish_end()
        children.launch(task)
    else:
        finish(task, reporter, Outcome(ending=Ending.FINISH, state=State.CANCELLED))


def _log(task: Task, reporter: Reporter) -> list[dict[str, Any]]:
    """The newest entries, after those of the attempts before."""
    return keepable([*task.log_entries(), *reporter.log_entries()])


def finish(task: Task, reporter: Reporter, outcome: Outcome) -> None:
    """End the task: in its row, then before the viewers."""
    noted = _end(task, reporter, outcome)
    written = _insist(lambda: statements.finish(task.pk, attempt=task.attempt, state=outcome.state, **noted))
    if not written and not Task.objects.filter(pk=task.pk, attempt=task.attempt, state=outcome.state).exists():
        logger.warning("Task %s: attempt %d ended, but the task is not its own any more.", task.pk, task.attempt)
    else:
        told = notices.tell(task, outcome.state)
        if not (reporter.publish_end() and told):
            Task.objects.filter(pk=task.pk).update(end_sent=False)
    children.ended(task, outcome.state)


def _end(task: Task, reporter: Reporter, outcome: Outcome) -> dict[str, Any]:
    """What the row is to say of the end."""
    snapshot, error = reporter.settle(outcome.state, outcome.error), outcome.error
    return {
        "result": outcome.result,
        "error_code": error.code if error else "",
        "error_text": error.text if error else "",
        "traceback": outcome.traceback,
        "failures": task.failures + (outcome.ending is Ending.FAIL),
        "percent": snapshot.percent,
        "message": snapshot.message,
        "snapshot": snapshot.to_json().decode(),
        "checkpoint": "",
        "pace": reporter.paces() if outcome.state is State.SUCCEEDED else {},
        "log": _log(task, reporter),
    }


def _insist(write: Callable[[], T], within_s: float = WRITE_WITHIN_S) -> T:
    """Write, and try again while the database is away; what comes of hours of work is not given up lightly."""
    began_s, pause_s = time.monotonic(), FIRST_PAUSE_S
    while True:
        try:
            return write()
        except DataError:
            raise
        except Error:
            if time.monotonic() - began_s > within_s:
                raise
            logger.warning("The database did not take a write; trying again.", exc_info=True)
        close_old_connections()
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
