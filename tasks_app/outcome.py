"""How an attempt ended: the only place that turns an exception into a state."""

import json
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from django.utils.translation import gettext, gettext_noop

from progress_app.events import Fault, State
from progress_app.exceptions import AttemptSuperseded, TaskCancelled, TimeLimitReached
from progress_app.words import also, fill
from tasks_app import conf
from tasks_app.limits import too_long
from tasks_app.registry import BadParameters, JobError, PermanentJobError, UnknownJob

UNEXPECTED: Final = Fault(
    code="unexpected",
    text=gettext_noop("The job stopped because of a fault in its program. Staff can see the details."),
)
NOT_KEPT: Final = Fault(
    code="not_kept", text=gettext_noop("The database refused what the job gave back; staff can see the log.")
)
also([UNEXPECTED.text, NOT_KEPT.text])
LONGEST_TRACEBACK: Final = 50_000
LONGEST_CODE: Final = 64
NUL: Final = "\\u0000"  # as JSON writes it
BACKSLASH: Final = "\\\\"  # likewise


class Ending(Enum):
    """What is to be done with the task."""

    FINISH = "finish"
    FAIL = "fail"  # or try again, if the job allows
    HAND_BACK = "hand back"  # the worker stops; another one goes on
    LEAVE = "leave"  # somebody else has it


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an attempt."""

    ending: Ending
    state: State
    result: Any = None
    error: Fault | None = None
    traceback: str = ""
    cause: BaseException | None = None  # what the job raised, if another attempt may help


_INTERRUPTED: Final[dict[type[BaseException], Outcome]] = {
    TaskCancelled: Outcome(ending=Ending.FINISH, state=State.CANCELLED),
    AttemptSuperseded: Outcome(ending=Ending.LEAVE, state=State.LOST),
    SystemExit: Outcome(ending=Ending.HAND_BACK, state=State.QUEUED),
}


def outcome_of(work: Callable[[], Any]) -> Outcome:
    """Do the work; whatever it does, say how it ended."""
    try:
        return _success(work())
    except (TaskCancelled, AttemptSuperseded, SystemExit) as interruption:
        return _INTERRUPTED[type(interruption)]
    except TimeLimitReached as error:
        return _failure(too_long(error.limit_s), error)
    except JobError as error:
        cause = None if isinstance(error, PermanentJobError) else error
        return _failure(Fault(code=error.code, text=error.sentence), cause)
    except (UnknownJob, BadParameters) as error:
        code = "unknown_job" if isinstance(error, UnknownJob) else "bad_parameters"
        return _failure(Fault(code=code, text=str(error)))
    except BaseException as error:  # noqa: BLE001  (a job may raise anything; the row must get its end)
        return _failure(UNEXPECTED, error)


def _success(result: Any) -> Outcome:
    limit = conf.get().result_limit_bytes
    try:
        text = json.dumps(result, allow_nan=False, ensure_ascii=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        return _not_json(str(error))
    if NUL in text.replace(BACKSLASH, ""):
        return _not_json(gettext("a text in it holds the character NUL, which databases refuse"))
    if size > limit:
        text = gettext("The job's result has {size} bytes; {most} are allowed. It belongs into an attached file.")
        return _failure(Fault(code="result_too_large", text=fill(text, size=size, most=limit)))
    return Outcome(ending=Ending.FINISH, state=State.SUCCEEDED, result=result)


def _not_json(reason: str) -> Outcome:
    text = gettext("The job ended well, but its result cannot be kept as JSON: {reason}.")
    return _failure(Fault(code="result_not_json", text=text.format(reason=reason)))


def _failure(error: Fault, cause: BaseException | None = None) -> Outcome:
    fault = Fault(code=_storable(error.code)[:LONGEST_CODE], text=_storable(error.text))
    told = _storable(traceback.format_exc())[-LONGEST_TRACEBACK:]
    return Outcome(ending=Ending.FAIL, state=State.FAILED, error=fault, traceback=told, cause=cause)


def _storable(text: object) -> str:
    """A text that every database takes, whatever a job's exception holds."""
    return str(text).encode("utf-8", "replace").decode().replace("\0", "")
