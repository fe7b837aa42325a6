"""Jobs at set times: what a schedule keeps, and what happens at its time.

The times are django-celery-beat's: ops change them in the admin while beat runs, and a time that passed while beat was
away is made up for once. A schedule is one of its periodic tasks, whose message is `START` with these arguments.
"""

import json
import logging
from typing import Any, Final

from django import forms
from django.contrib.auth import get_user_model
from django_celery_beat.models import PeriodicTask

from tasks_app import lifecycle, registry
from tasks_app.locks import Lock
from tasks_app.models import Task
from tasks_app.origin import coming_from
from tasks_app.refusal import Refused

START: Final = "tasks_app.start_scheduled"
TWIN_WITHIN_S: Final = 30.0  # two beats send the same tick within a moment of each other
MOST_OFTEN_S: Final = 60  # a schedule that came more often could not be told from a twin

logger = logging.getLogger(__name__)


class Schedule(PeriodicTask):  # type: ignore[misc]  # the base class ships no types
    """A periodic task that starts a job."""

    class Meta:
        proxy = True

    @property
    def arguments(self) -> dict[str, Any]:
        """What `start` is called with; empty while nothing is kept."""
        return dict(json.loads(self.kwargs or "{}"))

    @property
    def job(self) -> str:
        """The name of its job."""
        return str(self.arguments.get("job", ""))


def arguments(name: str, job: str, params: dict[str, Any], owner_id: int | None) -> str:
    """What a schedule keeps, as JSON; owner None: the project itself."""
    return json.dumps({"name": name, "job": job, "params": params, "owner": owner_id})


def can_be_scheduled(job: registry.Job) -> bool:
    """Whether its parameters can be kept for later: a file cannot."""
    return not any(isinstance(field, forms.FileField) for field in job.form.base_fields.values())


def start(name: str, job: str, params: dict[str, Any], owner: int | None) -> Task | None:
    """Start the job of a schedule, once a tick; None when it does not start, and the log says why.

    Args:
        name: the schedule's.
        job: the job's name.
        params: values as the job's form was given them.
        owner: id of the user who owns the task and must be allowed to start the job; None: the project itself.

    """
    if not Lock.objects.take(f"schedule {name}"[:64], TWIN_WITHIN_S):
        return None
    try:
        with coming_from(f"schedule {name}"):
            if owner is None:
                return lifecycle.enqueue_as_project(job, data=params)
            return lifecycle.enqueue(job, user=_owner(owner), data=params)
    except (Refused, registry.UnknownJob, registry.BadParameters) as error:
        logger.error("The schedule %r started nothing: %s", name, error)  # noqa: TRY400  (no fault of the program)
        return None


def _owner(user_id: int) -> Any:
    user = get_user_model()._default_manager.filter(pk=user_id).first()  # noqa: SLF001  (Django's documented name)
    if user is None:
        raise Refused("its owner is gone: give the schedule to somebody else.")
    return user
