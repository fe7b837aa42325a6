"""What a reporter may ask of this project: its lease, and files."""

import errno
import time
from pathlib import Path
from typing import IO, Final

from django.db import InterfaceError, OperationalError, close_old_connections
from django.utils.translation import gettext

from progress_app.checkpoint import Checkpoint
from progress_app.events import Snapshot, State
from progress_app.host import Fan, Lease
from progress_app.outlook import Paces
from tasks_app import attachments, fanout
from tasks_app.models import Attachment, Task
from tasks_app.registry import JobError

EARLIER_RUNS: Final = 12  # more would only say what the job took long ago
EARLIER_RUNS_SEEN: Final = 36  # among these are those with the same values looked for
KEEP_WITHIN_S: Final = 40.0  # the lease is lost soon after
KEEP_AGAIN_S: Final = 0.5
NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


class TaskHost:
    """As `progress_app.reporter.Host`, for one attempt at one task.

    Args:
        task: as claimed.
        lease_s: how long a renewal holds.

    """

    def __init__(self, task: Task, *, lease_s: float) -> None:
        self._task = task
        self._lease_s = lease_s
        self._point = self._kept_point = ""

    def renew(self, snapshot: Snapshot) -> Lease:
        """As `Host.renew`: one UPDATE, two for a task that is being cancelled."""
        row = Task.objects.filter(pk=self._task.pk)
        point = self._point
        noted = {"percent": snapshot.percent, "message": snapshot.message, "snapshot": snapshot.to_json().decode()}
        if point != self._kept_point:
            noted["checkpoint"] = point
        try:
            for state, lease in ((State.RUNNING, Lease.HELD), (State.CANCELLING, Lease.CANCELLED)):
                if row.renew(attempt=self._task.attempt, state=state, lease_s=self._lease_s, **noted):
                    self._kept_point = point
                    return lease
            return Lease.LOST
        finally:
            close_old_connections()  # this thread is the reporter's: nobody else would close its connection

    def earlier(self) -> list[Paces]:
        """As `Host.earlier`: those that were started with the same values, if any were. One query, by index."""
        ended = Task.objects.filter(job=self._task.job, state=State.SUCCEEDED).order_by("-created_at")
        try:
            runs = list(ended.values_list("params", "pace")[:EARLIER_RUNS_SEEN])
            same = [pace for params, pace in runs if params == self._task.params]
            return (same or [pace for _, pace in runs])[:EARLIER_RUNS]
        finally:
            close_old_connections()

    def checkpoint(self, point: Checkpoint) -> None:
        """As `Host.checkpoint`."""
        self._point = point.to_json()

    def map(self, fan: Fan) -> Fan:
        """As `Host.map`."""
        return fanout.checked(self._task, fan)

    def attach(self, file: IO[bytes] | Path, name: str) -> None:
        """As `Host.attach`.

        Raises:
            JobError: there is no room for it.

        """
        try:
            self._attach(file, name)
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            text = gettext("There is no room left to keep the file {name}: ask for more, then run the task again.")
            raise JobError("storage_full", text.format(name=repr(name))) from error

    def _attach(self, file: IO[bytes] | Path, name: str) -> None:
        if isinstance(file, Path):
            with file.open("rb") as opened:
                self._note(attachments.store_result(self._task, opened, name))
        else:
            file.seek(0)
            self._note(attachments.store_result(self._task, file, name))

    def _note(self, stored: Attachment) -> None:
        """Note it, and try again while the database is away: hours of work do not fail for a restart."""
        deadline_s = time.monotonic() + KEEP_WITHIN_S
        while True:
            try:
                attachments.note_result(self._task, stored)
            except (OperationalError, InterfaceError):
                if time.monotonic() > deadline_s:
                    raise  # it may be noted all the same; if not, pruning removes it
            except BaseException:
                attachments.discard(stored)
                raise
            else:
                return
            close_old_connections()
            time.sleep(KEEP_AGAIN_S)
