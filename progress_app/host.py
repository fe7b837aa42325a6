"""What a reporter may ask of the project that runs it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from pathlib import Path
from typing import IO, Any, Final, Protocol

from progress_app.checkpoint import NONE, Checkpoint
from progress_app.events import Children, Snapshot
from progress_app.outlook import Paces


class Lease(Enum):
    """What a host answers to a renewal."""

    HELD = "held"
    CANCELLED = "cancelled"  # held, and somebody asked to cancel
    LOST = "lost"  # another attempt has it, or the task has ended


class OnFailure(StrEnum):
    """What becomes of a family when one of its children ends badly."""

    STOP = "stop"  # the others are cancelled, and the parent fails
    GO_ON = "go on"  # the parent's next step is told


@dataclass(frozen=True, slots=True, kw_only=True)
class Fan:
    """Children that a job asks for; the fields are described at `Reporter.map`."""

    job: Callable[..., Any] | str
    params: tuple[Mapping[str, Any], ...]
    then: Callable[..., Any] | str | None = None
    on_failure: OnFailure = OnFailure.STOP
    stage: str | None = None
    unit: str = ""


NO_CHILDREN: Final = Children()


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What earlier attempts at a task left.

    `elapsed_s` is the time since the first one began; `children` are those that it waited for.
    """

    elapsed_s: float = 0.0
    checkpoint: Checkpoint = NONE
    children: Children = NO_CHILDREN


FRESH: Final = Past()


class Host(Protocol):
    """What a reporter may ask of the project: `renew` and `earlier` in the lease's thread, the rest in the job's."""

    def renew(self, snapshot: Snapshot) -> Lease:
        """Renew the attempt's lease and note how far it is; may raise, and is then asked again."""

    def attach(self, file: IO[bytes] | Path, name: str) -> None:
        """Keep a file with the task."""

    def earlier(self) -> Sequence[Paces]:
        """The paces of earlier runs of the same job that ended well, newest first; a few are enough."""

    def checkpoint(self, point: Checkpoint) -> None:
        """Keep this for the next attempt, with the next renewal or when the task is handed back."""

    def map(self, fan: Fan) -> Fan:
        """Check these children, and give them with `job` and `then` as names: they start when the job's function ends.

        Raises:
            UsageError: they cannot be made, and why.

        """
