"""How an attempt ended: the only place that turns an exception into a state."""

import json
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from progress_app.events import Fault, State
from progress_app.exceptions import AttemptSuperseded, TaskCancelled
from tasks_app import conf
from tasks_app.registry import BadParameters, JobError, UnknownJob

UNEXPECTED: Final = Fault(
    code="unexpected", text="The job stopped because of a fault in its program. Staff can see the details."
)
LONGEST_TRACEBACK: Final = 50_000


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
    except JobError as error:
        return _failure(Fault(code=error.code, text=error.sentence))
    except (UnknownJob, BadParameters) as error:
        code = "unknown_job" if isinstance(error, UnknownJob) else "bad_parameters"
        return _failure(Fault(code=code, text=str(error)))
    except Exception:  # noqa: BLE001  (a job may raise anything; the row must get its end)
        return _failure(UNEXPECTED)


def _success(result: Any) -> Outcome:
    limit = conf.get().result_limit_bytes
    try:
        size = len(json.dumps(result, allow_nan=False).encode())
    except (TypeError, ValueError) as error:
        text = f"The job ended well, but its result cannot be kept as JSON: {error}."
        return _failure(Fault(code="result_not_json", text=text))
    if size > limit:
        text = f"The job's result has {size:,} bytes; {limit:,} are allowed. It belongs into an attached file."
        return _failure(Fault(code="result_too_large", text=text))
    return Outcome(ending=Ending.FINISH, state=State.SUCCEEDED, result=result)


def _failure(error: Fault) -> Outcome:
    told = traceback.format_exc()[-LONGEST_TRACEBACK:]
    return Outcome(ending=Ending.FAIL, state=State.FAILED, error=error, traceback=told)
