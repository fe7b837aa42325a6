"""`manage.py watch UUID`: follow a task in the terminal, to its end."""

import sys
from argparse import ArgumentParser
from typing import Any, Final
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from progress_app.events import State
from tasks_app.models import Task
from tasks_app.terminal import screen
from tasks_app.watching import Watch

STATUS: Final = {State.SUCCEEDED: 0, State.FAILED: 1, State.CANCELLED: 3, State.LOST: 4}
MISUSE: Final = 2
INTERRUPTED: Final = 130


class Command(BaseCommand):
    """Shows bars, stages and log lines; the exit status is 0 succeeded, 1 failed, 3 cancelled, 4 lost."""

    help = (
        "Follow a task to its end. Exit status: 0 succeeded, 1 failed, 3 cancelled, 4 lost, 2 no such task. "
        "Ctrl-C leaves the task alone."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the task."""
        parser.add_argument("task", type=UUID, help="the UUID of the task, as in the address of its page")

    def handle(self, *, task: UUID, **_: Any) -> None:
        """Follow it."""
        row = Task.objects.filter(pk=task).first()
        sys.exit(follow(str(task), title=row.title if row else "Task"))


def follow(task: str, *, title: str) -> int:
    """Show a task until it has ended; the exit status that its end means.

    Raises:
        CommandError: there is no such task.

    """
    shown, last = screen(Console(), title), None
    try:
        with shown.shown():
            for look in Watch(task).looks():
                shown.show(look)
                last = look.snapshot
    except KeyboardInterrupt:
        sys.stderr.write(f"The task goes on. To follow it again: manage.py watch {task}\n")
        return INTERRUPTED
    if last is None or not last.is_final:
        raise CommandError(f"There is no task {task}; its UUID stands in the address of its page.", returncode=MISUSE)
    return STATUS[last.state]
