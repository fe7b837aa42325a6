"""Work with tasks that nobody waits for: one thread a process does it, task by task.

After one failure the thread leaves tasks out for a while: each further try would wait for a time-out, and a click of
now would stand behind those of minutes ago.
"""

import logging
import os
import queue
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from django.db import close_old_connections

from tasks_app.models import Task

MOST_WAITING: Final = 10_000  # beyond that tasks are left out; whoever puts one still does not wait
BATCH: Final = 100  # tasks that are noted together
NOTED_AFTER_S: Final = 0.05  # without a further task; a claim is through by then
PAUSE_S: Final = 5.0  # after a failure: longer than a time-out, shorter than a maintenance interval

logger = logging.getLogger(__name__)


class Errands(ABC):
    """The thread and what waits for it; the first task starts it, also in a process that was forked since.

    Args:
        clock: gives seconds, for the pause.

    Attributes:
        name: of the thread, and in the log.
        if_not: what becomes of a task that is left out, as the log says it.

    """

    name: str
    if_not: str

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: queue.Queue[Task] = queue.Queue(MOST_WAITING)
        self._lock = threading.Lock()
        self._pid = 0
        self._resumes_s = 0.0

    @abstractmethod
    def _do(self, task: Task) -> bool:
        """Do it for this task; False: it failed."""

    def _note(self, done: Sequence[Task]) -> None:  # noqa: B027  (not all have something to note)
        """Note those that were done."""

    def put(self, task: Task) -> None:
        """Do it soon. Call it after the commit."""
        try:
            self._waiting.put_nowait(task)
        except queue.Full:
            logger.warning("The %s is full; task %s %s.", self.name, task.pk, self.if_not)
        self._start()

    def flush(self) -> None:
        """Wait until everything that was put is done or left out."""
        self._waiting.join()

    def _start(self) -> None:
        with self._lock:
            if self._pid != os.getpid():
                self._pid = os.getpid()
                threading.Thread(target=self._run, name=self.name, daemon=True).start()

    def _run(self) -> None:
        while True:
            taken, done = self._batch()
            try:
                self._note(done)
            except Exception:
                logger.exception("The %s could not note %d tasks; each %s.", self.name, len(done), self.if_not)
            finally:
                if self._waiting.empty():
                    close_old_connections()
                for _ in range(taken):
                    self._waiting.task_done()

    def _batch(self) -> tuple[int, list[Task]]:
        """Wait for a task, do it and those that follow closely; gives how many came, and which were done."""
        done, taken, task = list[Task](), 1, self._waiting.get()
        with suppress(queue.Empty):
            while True:
                if self._try(task):
                    done.append(task)
                if taken == BATCH:
                    break
                task = self._waiting.get(timeout=NOTED_AFTER_S)
                taken += 1
        return taken, done

    def _try(self, task: Task) -> bool:
        if self._clock() < self._resumes_s:
            logger.info("The %s pauses after a failure; task %s %s.", self.name, task.pk, self.if_not)
            return False
        if self._do(task):
            return True
        self._resumes_s = self._clock() + PAUSE_S
        return False
