"""How long an attempt at a job may take, and how long it may take to stop."""

from typing import Final

from django.utils.translation import gettext

from progress_app.events import Fault
from tasks_app import conf
from tasks_app.registry import Job

TIME_LIMIT: Final = "time_limit"  # the code of its error


def cancel_grace_s(job: Job | None) -> float:
    """Seconds that a job has to agree to its cancel before it is ended."""
    given = job.cancel_grace_s if job else None
    return conf.get().cancel_grace_s if given is None else given


def hard_limit_s(job: Job | None) -> float | None:
    """Seconds after which an attempt's process is ended, None: never."""
    if job is None or job.time_limit_s is None:
        return None
    return job.time_limit_s + cancel_grace_s(job) if job.hard_limit_s is None else job.hard_limit_s


def over_time(job: Job | None, ran_s: float) -> Fault | None:
    """The fault of an attempt that ran for so long; None: it was within its limit."""
    if job is None or job.time_limit_s is None or ran_s < job.time_limit_s:
        return None
    return too_long(job.time_limit_s)


def too_long(limit_s: float | None) -> Fault:
    """The fault of an attempt that ran longer than so many seconds, in the present language."""
    if limit_s is None:
        return Fault(code=TIME_LIMIT, text=gettext("The job ran longer than it may."))
    text = gettext("The job ran longer than the {limit} s that it may take.")
    return Fault(code=TIME_LIMIT, text=text.format(limit=f"{limit_s:g}"))
