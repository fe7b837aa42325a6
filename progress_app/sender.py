"""The threads behind a reporter: one sends snapshots, one keeps the lease.

1. The job's loop never waits: it counts, and the sending thread looks at the counts.
2. What is asked of the database runs in a thread of its own, so that a database that hangs does not stop the sending.
3. A worker that slept past its lease (a frozen machine) may have been replaced. So nothing is sent while the lease
   is older than it is valid, and the job waits at its next call; it is renewed first.
4. Redis away: the job goes on, the newest snapshot is sent when it is back.
"""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Final, Protocol

from progress_app.backends.base import Answer
from progress_app.bell import Bell
from progress_app.exceptions import BackendUnavailable
from progress_app.throttle import Throttle

RETRY_S: Final = 0.5  # between sends while Redis is away
RENEW_AGAIN_S: Final = 2.0  # between renewals while the database is away: a lease outlives twenty of them
RECALL_AFTER_S: Final = 1.0  # a task that is over by then needs no forecast, and no query for one
LEASE_FROM_TURN: Final = 1  # of the sending loop: many a task is over by then, and needs no second thread
JOIN_S: Final = 5.0  # longer than the time-out of one send

logger = logging.getLogger(__name__)


# Seconds that also pass while the machine sleeps, where the system can tell.
uptime_s: Final[Callable[[], float]] = (
    partial(time.clock_gettime, time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic
)


class Source(Protocol):
    """What a sender asks of its reporter; called in the sender's threads."""

    def changed(self) -> bool:
        """Whether there is something new since the last send."""

    def ripens_in_s(self) -> float:
        """Seconds for which what would be sent is about to change, 0 mostly."""

    def send(self) -> Answer:
        """Send the present snapshot; raises BackendUnavailable."""

    def renew(self) -> bool:
        """Renew the lease; False: it is lost. May raise what the database raises."""

    def recall(self) -> None:
        """Look up earlier runs of the job. May raise what the database raises."""

    def hold(self) -> None:
        """The lease may be lost: let the job wait."""

    def resume(self) -> None:
        """The lease holds."""

    def watch(self) -> None:
        """Look whether it is time to make the job stop."""


class Sender:
    """Sends at once what is urgent, ten times a second what is new, and a pulse otherwise.

    Args:
        source: the reporter.
        interval_s, pulse_s: as Throttle.
        renew_interval_s: how often the lease is renewed.
        lease_s: how long it is valid after a renewal.

    """

    def __init__(
        self, source: Source, *, interval_s: float, pulse_s: float, renew_interval_s: float, lease_s: float,
        clock: Callable[[], float] = uptime_s,
    ) -> None:  # fmt: skip
        self._source = source
        self._interval_s = interval_s
        self._renew_interval_s = renew_interval_s
        self._lease_s = lease_s
        self._clock = clock
        self._throttle = Throttle(interval_s, pulse_s)
        self._bell = Bell()
        self._stale = threading.Event()
        self._stopping = threading.Event()
        self._is_lost = False
        self._renewed_s = clock()
        self._threads = [
            threading.Thread(target=self._keep_sending, name="progress-sender", daemon=True),
            threading.Thread(target=self._keep_lease, name="progress-lease", daemon=True),
        ]

    def start(self) -> None:
        """Start sending, and soon the lease's thread; in the process that runs the job, after any fork."""
        self._threads[0].start()

    def stop(self) -> None:
        """End the threads; returns when the last send has ended. The lease's thread may still wait for a database."""
        self._stopping.set()
        self._bell.ring()
        self._stale.set()
        if self._threads[0].is_alive():
            self._threads[0].join(JOIN_S)

    def hurry(self) -> None:
        """Something changed that may not wait."""
        self._bell.ring()

    def _keep_sending(self) -> None:
        self._send()  # the beginning is told even of a job that has ended by now
        for turn in count():
            # the ring of `stop` may have been heard by the send before
            urgent = self._stopping.is_set() or self._bell.heard(self._interval_s)
            if self._stopping.is_set():
                return
            if turn == LEASE_FROM_TURN:
                self._threads[1].start()
            self._source.watch()
            if self._throttle.is_due(self._clock(), changed=self._source.changed(), urgent=urgent):
                self._send()

    def _send(self) -> None:
        if self._is_lost or self._clock() - self._renewed_s > self._lease_s:
            self._source.hold()
            self._stale.set()
            self._stopping.wait(self._interval_s)
            return
        if ripens_in_s := self._source.ripens_in_s():
            self._stopping.wait(ripens_in_s)
        self._bell.heard()  # what it rang for goes out now
        try:
            self._source.send()
        except BackendUnavailable as error:
            logger.warning(
                "Progress was not sent; the task keeps running and its newest state is sent later: %s", error
            )
            self._stopping.wait(RETRY_S)
        except Exception:
            logger.exception("Progress could not be sent; the task keeps running.")
            self._stopping.wait(RETRY_S)
        self._throttle.sent(self._clock())

    def _keep_lease(self) -> None:
        if not self._stale.wait(min(RECALL_AFTER_S, self._renew_interval_s)):
            self._recall()
        while not self._stopping.is_set():
            self._stale.wait(self._renew_interval_s)
            self._stale.clear()
            if self._stopping.is_set():
                return
            try:
                asked_s = self._clock()
                if not self._source.renew():
                    self._is_lost = True
                    return
                self._renewed_s = asked_s
                self._source.resume()
            except Exception:
                logger.exception("The lease could not be renewed; trying again.")
                self._stopping.wait(RENEW_AGAIN_S)
                self._stale.set()

    def _recall(self) -> None:
        try:
            self._source.recall()
        except Exception:
            logger.exception("Earlier runs could not be looked up; the forecast does without them.")
