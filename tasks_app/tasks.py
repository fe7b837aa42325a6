"""Celery's entry points; Celery's own word "task" stays here."""

from collections import deque
from typing import Any, Final
from uuid import UUID

from celery import shared_task
from celery.signals import task_received, worker_init, worker_process_shutdown, worker_shutdown
from django.core.checks import run_checks

from progress_app import connections
from tasks_app import backlog, maintenance, outbox, probe, runner, schedule

taken: Final = deque[UUID](maxlen=200)  # more than a worker has processes: older ones have begun


@shared_task(bind=True, name="tasks_app.run")
def run(self: Any, task_id: str) -> None:
    """Run a task."""
    try:
        runner.run(task_id, worker=self.request.hostname or "")
    except runner.Unclaimed as reason:
        outbox.send_back(self.request, reason)


@shared_task(name=probe.PROBE)
def answer_probe(queue: str, priority: int, sent_at: str) -> None:
    """Show that the line has come so far."""
    probe.answer(queue, priority, sent_at)


@shared_task(name=schedule.START)
def start_scheduled(**arguments: Any) -> None:
    """Start the job of a schedule."""
    schedule.start(**arguments)


@shared_task(name="tasks_app.maintain")
def maintain() -> None:
    """Do a round of maintenance."""
    maintenance.maintain()


@worker_init.connect
def refuse_what_cannot_be_used(**_: Any) -> None:
    """End a worker whose settings `manage.py` would refuse: Celery runs Django's checks, and goes on whatever they say.

    Raises:
        SystemExit: with what is wrong.

    """
    errors = [message for message in run_checks() if message.is_serious() and not message.is_silenced()]
    if errors:
        raise SystemExit("The worker does not start:\n" + "\n".join(map(str, errors)))


@task_received.connect
def note_what_was_taken(request: Any, **_: Any) -> None:
    """Remember the newest messages of this worker."""
    if request.name == outbox.RUN:
        taken.append(outbox.task_of(request.id))


@worker_shutdown.connect
def give_up_what_was_taken(**_: Any) -> None:
    """Have maintenance publish again what this worker took and none of its processes has begun."""
    backlog.doubt(taken)


@worker_process_shutdown.connect
def send_what_waits(**_: Any) -> None:
    """Let the ends that wait for a hosted transport be sent before the process ends, which runs no exit handlers."""
    connections.close()
