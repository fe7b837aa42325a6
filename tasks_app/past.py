"""What earlier attempts at a task left for the one that begins."""

import logging

from progress_app.checkpoint import NONE, Checkpoint
from progress_app.host import Past
from tasks_app.family import counts
from tasks_app.models import Task

logger = logging.getLogger(__name__)


def past_of(task: Task) -> Past:
    """The past of a task that has just been claimed; a first attempt has none, whatever the database's clock says."""
    elapsed_s = task.duration_s if task.attempt > 1 else None
    return Past(elapsed_s=elapsed_s or 0.0, checkpoint=_checkpoint(task), children=counts(task))


def _checkpoint(task: Task) -> Checkpoint:
    try:
        return Checkpoint.from_json(task.checkpoint)
    except ValueError as error:
        logger.warning("Task %s begins anew, its checkpoint is of another version: %s", task.pk, error)
        return NONE
