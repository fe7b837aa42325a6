"""Celery's entry points; Celery's own word "task" stays here."""

from typing import Any

from celery import shared_task
from celery.signals import worker_process_shutdown

from progress_app import connections
from tasks_app import maintenance, probe, runner, schedule


@shared_task(bind=True, name="tasks_app.run")
def run(self: Any, task_id: str) -> None:
    """Run a task."""
    runner.run(task_id, worker=self.request.hostname or "")


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


@worker_process_shutdown.connect
def send_what_waits(**_: Any) -> None:
    """Let the ends that wait for a hosted transport be sent before the process ends, which runs no exit handlers."""
    connections.close()
