"""The present state of a task: what Redis has, or the project's own record where that knows more.

Redis is the truth about live progress only. When it has nothing, or a running task without a pulse, the task may
have ended while Redis was away; the record then decides.
"""

import logging
import time

from msgspec.structs import replace

from progress_app import conf, connections
from progress_app.events import Snapshot
from progress_app.exceptions import BackendUnavailable

logger = logging.getLogger(__name__)


def present(task: str) -> Snapshot | None:
    """The present snapshot of a task, None when nobody knows it. Asks Redis, and the database only if need be."""
    try:
        live = connections.backend().read_snapshot(task)
    except (BackendUnavailable, ValueError) as error:  # Redis is away, or holds what we cannot read
        logger.warning("The live state of task %s cannot be had: %s", task, error)
        live = None
    if live is not None and live.is_fresh(time.time()):
        return live
    return newer(live, conf.get().recorded(task))


def newer(live: Snapshot | None, recorded: Snapshot | None) -> Snapshot | None:
    """Which of the two is nearer to the truth; a record that wins never has a lower position."""
    if live is None or recorded is None:
        return live or recorded
    if live.is_final or not (recorded.is_final or recorded.attempt > live.attempt):
        return live
    return replace(recorded, pos=max(recorded.pos, live.pos))
