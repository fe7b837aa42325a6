"""What Celery's signals are told on to."""

from collections.abc import Mapping
from typing import Any

from celery import states
from celery.signals import after_task_publish, task_postrun, task_revoked

from progress_app import recorder
from tasks_app import tracking

recorder.hear_of_ends()


@after_task_publish.connect(dispatch_uid="headway.sent")
def note_sent(sender: str, headers: Mapping[str, Any], body: Any, **_: Any) -> None:
    """Give a tracked task its row."""
    tracking.sent(sender, headers, body)


@task_postrun.connect(dispatch_uid="headway.ended")
def note_end(task: Any, task_id: str, retval: Any, state: str | None, **_: Any) -> None:
    """Tell the end of a Celery task that reported: its recorder is not told that its function returned."""
    if state == states.SUCCESS:
        tracking.ended(task, task_id, None, retval)
    else:  # without a state, the worker stops
        tracking.ended(task, task_id, retval if isinstance(retval, BaseException) else SystemExit(), None)


@task_revoked.connect(dispatch_uid="headway.revoked")
def note_revoked(request: Any, **_: Any) -> None:
    """End the row of a tracked task that Celery will not run, or has ended by force."""
    tracking.revoked(request.id)
