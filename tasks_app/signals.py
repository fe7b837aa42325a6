"""What Celery's signals are told on to."""

from typing import Any

from celery.signals import task_postrun

from progress_app import recorder


@task_postrun.connect(dispatch_uid="headway.recorder")
def end_recorders(task_id: str, retval: Any, **_: Any) -> None:
    """Send the end of a plain Celery task that reported: its recorder is not told that its function returned."""
    recorder.ended(task_id, retval if isinstance(retval, BaseException) else None)
