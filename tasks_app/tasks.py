"""Celery's entry points; Celery's own word "task" stays here."""

from typing import Any

from celery import shared_task

from tasks_app import maintenance, runner


@shared_task(bind=True, name="tasks_app.run")
def run(self: Any, task_id: str) -> None:
    """Run a task."""
    runner.run(task_id, worker=self.request.hostname or "")


@shared_task(name="tasks_app.maintain")
def maintain() -> None:
    """Do a round of maintenance."""
    maintenance.maintain()
