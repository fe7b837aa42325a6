"""Ends a job that does not stop: first by an exception wherever it is, then with its process.

Never by Celery's revoke: that is told to every worker by the task's id, and may end the next job of the process.
"""

import logging
import os
import signal
import sys
import threading
import traceback
from typing import Any, Final

from django.db import close_old_connections

from progress_app.events import State
from progress_app.exceptions import TaskCancelled, TimeLimitReached
from tasks_app.interrupts import Interrupts
from tasks_app.joblog import kept_log
from tasks_app.language import speaking
from tasks_app.lifecycle import announce_end
from tasks_app.limits import too_long
from tasks_app.models import Task

WRITE_WITHIN_S: Final = 5.0  # a database that hangs does not keep the process alive: maintenance writes the end then

logger = logging.getLogger(__name__)


class JobForce:
    """As `progress_app.halt.Force`, for one attempt at one task."""

    def __init__(self, task: Task, interrupts: Interrupts) -> None:
        self._task = task
        self._interrupts = interrupts

    def interrupt(self, reason: BaseException) -> bool:
        """As `Force.interrupt`."""
        return self._interrupts.throw(reason)

    def end(self, reason: BaseException) -> None:
        """As `Force.end`."""
        writer = threading.Thread(target=self._write, args=(reason,), name="last-will", daemon=True)
        writer.start()
        writer.join(WRITE_WITHIN_S)
        os.kill(os.getpid(), signal.SIGKILL)

    def _write(self, reason: BaseException) -> None:
        """Write the end that the reason gives; a superseded attempt has nothing to write."""
        try:
            ending = self._ending(reason)
            if ending and Task.objects.filter(pk=self._task.pk).finish(attempt=self._task.attempt, **ending):
                announce_end(Task.objects.get(pk=self._task.pk))
        except Exception:
            logger.exception("The end of task %s could not be written; maintenance does it.", self._task.pk)
        finally:
            close_old_connections()

    def _ending(self, reason: BaseException) -> dict[str, Any] | None:
        where = {"traceback": _where_the_job_is(), "log": kept_log(self._task)}
        if isinstance(reason, TaskCancelled):
            return {"state": State.CANCELLED, **where}
        if isinstance(reason, TimeLimitReached):
            with speaking(self._task.language):
                fault = too_long(reason.limit_s)
            told = {"error_code": fault.code, "error_text": fault.text, "failures": self._task.failures + 1}
            return {"state": State.FAILED, **told, **where}
        return None


def _where_the_job_is() -> str:
    """The lines that the job hangs at, for staff."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)  # noqa: SLF001  (Python's way to ask)
    return "".join(traceback.format_stack(frame)) if frame else ""
