"""What stops a job: asked at its next progress call, and by force when it makes none.

1. `reasons` is empty while nothing is wrong. The loops of a job look at nothing else, so that a turn costs nothing.
2. A job is asked once by the calls that count, so that what it does in its `finally` blocks may report again.
3. While nobody knows whether the lease still holds (the database is away for longer than it is valid), the job waits
   at its next call: it neither runs beside another attempt nor loses its work.
4. Whoever does not stop in time is interrupted wherever it is, and then its process is ended; both only where the
   process is the job's own.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from progress_app.exceptions import AttemptSuperseded, TaskCancelled, TimeLimitReached

SUPERSEDED_GRACE_S: Final = 1.0  # another attempt may run: a pulse's time, not more

logger = logging.getLogger(__name__)


class Force(Protocol):
    """How a job that does not stop is stopped; called in the reporter's sending thread."""

    def interrupt(self, reason: BaseException) -> bool:
        """Raise it in the job, wherever that is; False: the job's process is not its own, nothing can be done."""

    def end(self, reason: BaseException) -> None:
        """Write how the attempt ended, then end this process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a job may take, in seconds; None: for ever.

    `time_limit_s` is when it is asked to stop, `hard_limit_s` when it is made to (both from its beginning);
    `cancel_grace_s` is what it has to agree to a cancel, `finally_s` what its `finally` blocks get between being
    interrupted and the end of its process. `force` None: it is asked only.
    """

    time_limit_s: float | None = None
    hard_limit_s: float | None = None
    cancel_grace_s: float = 30.0
    finally_s: float = 10.0
    force: Force | None = None


class Halt:
    """Whether a job is to stop, why, and what is done about it.

    Args:
        limits: how long it may take.
        clock: gives seconds.
        on_powerless: called once when the job would be made to stop and cannot be.

    """

    def __init__(self, limits: Limits, clock: Callable[[], float], on_powerless: Callable[[], None]) -> None:
        self.reasons: list[BaseException] = []
        self._limits = limits
        self._clock = clock
        self._on_powerless = on_powerless
        self._began_s = clock()
        self._asked_s = 0.0
        self._told = False
        self._steps = 0  # of force that were taken
        self._known = threading.Event()
        self._known.set()

    # For the job

    def tell(self) -> None:
        """Raise once."""
        if not self._told:
            self.check()

    def check(self) -> None:
        """Raise whenever there is a reason; wait first while it is not known whether there is."""
        self._known.wait()
        for reason in self.reasons:
            if not isinstance(reason, _Unknown):
                self._told = True
                raise reason

    # For the sender

    def ask(self, reason: BaseException) -> None:
        """Stop the job at its next call; the first reason stands."""
        if all(isinstance(known, _Unknown) for known in self.reasons):
            self._asked_s = self._clock()
            self.reasons.insert(0, reason)
        self._known.set()

    def hold(self) -> None:
        """Let the job wait at its next call."""
        if not self.reasons:
            self._known.clear()
            self.reasons.append(_Unknown())

    def resume(self) -> None:
        """Let it go on."""
        self.reasons[:] = [reason for reason in self.reasons if not isinstance(reason, _Unknown)]
        self._known.set()

    def watch(self) -> None:
        """Look at the clock, and do what is due."""
        now_s, limit_s = self._clock(), self._limits.time_limit_s
        if limit_s is not None and now_s - self._began_s > limit_s and not self._told:
            text = f"The job ran longer than the {limit_s:g} s that it may take."
            self.ask(TimeLimitReached(text, limit_s))
        reason = self.reasons[0] if self.reasons else None
        if reason is None or isinstance(reason, _Unknown):
            return
        overdue_s = now_s - self._asked_s - self._grace_s(reason)
        if self._steps == 0 and overdue_s > 0:
            self._steps = 1
            self._interrupt(reason)
        elif self._steps == 1 and overdue_s > self._limits.finally_s and self._limits.force:
            self._steps = 2
            logger.error("The job did not stop (%s); its process is ended.", reason)
            self._limits.force.end(reason)

    def _interrupt(self, reason: BaseException) -> None:
        """A job that was told already is in its `finally` blocks: those are not interrupted."""
        force = self._limits.force
        if force is None or (not self._told and not force.interrupt(reason)):
            self._steps = 2
            self._on_powerless()

    def _grace_s(self, reason: BaseException) -> float:
        limits = self._limits
        if isinstance(reason, AttemptSuperseded):
            return SUPERSEDED_GRACE_S
        if isinstance(reason, TaskCancelled) or limits.hard_limit_s is None or limits.time_limit_s is None:
            return limits.cancel_grace_s
        return limits.hard_limit_s - limits.time_limit_s


class _Unknown(BaseException):
    """Stands among the reasons while the lease may be lost."""
