"""What an attempt tells and is told: it makes the snapshots that the sender's threads send, and reads the answers."""

import logging
import time
from collections.abc import Callable

from msgspec.structs import replace

from progress_app.backends.base import Answer, Verdict
from progress_app.events import Level, Snapshot, State
from progress_app.exceptions import AttemptSuperseded, BackendUnavailable, TaskCancelled
from progress_app.halt import Halt
from progress_app.host import Host, Lease
from progress_app.ledger import Ledger
from progress_app.logbook import Logbook
from progress_app.rhythm import Rhythm
from progress_app.sender import Sender, uptime_s

Publish = Callable[..., Answer]  # as `Backend.publish`

logger = logging.getLogger(__name__)


class Teller:
    """As `sender.Source`, of one attempt.

    Args:
        task: its UUID.
        publish: where snapshots and log entries go.
        host: the project.
        ledger, log, halt: what the job says, and what it is to be told.
        interval_s, pulse_s, renew_interval_s, lease_s: as Sender.

    Attributes:
        look: called before each look at the ledger; may bring it up to date.

    """

    def __init__(
        self, task: str, *, publish: Publish, host: Host, ledger: Ledger, log: Logbook, halt: Halt, interval_s: float,
        pulse_s: float, renew_interval_s: float, lease_s: float,
    ) -> None:  # fmt: skip
        self._task = task
        self._publish = publish
        self._host = host
        self._ledger = ledger
        self._log = log
        self._halt = halt
        self._rhythm = Rhythm(uptime_s)
        self._sent: tuple[object, ...] = ()
        self.look: Callable[[], None] = _nothing
        self.cancel_requested_at: float | None = None
        self.sender = Sender(
            self, interval_s=interval_s, pulse_s=pulse_s, renew_interval_s=renew_interval_s, lease_s=lease_s
        )

    def changed(self) -> bool:
        """As `Source.changed`."""
        self.look()
        mark = self._ledger.mark
        self._rhythm.observe(mark)
        return self._log.has_news or self._sent != mark

    def ripens_in_s(self) -> float:
        """As `Source.ripens_in_s`."""
        return self._ledger.ripens_in_s()

    def send(self) -> Answer:
        """As `Source.send`."""
        self.look()
        entries, news = self._log.take(), self._ledger.mark
        try:
            answer = self._publish(self._snapshot(), entries)
        except BaseException:
            self._log.give_back(entries)
            raise
        self._sent = news
        self._log.lost(answer.log_lost)
        if answer.verdict is not Verdict.ACCEPTED:
            self._halt.ask(AttemptSuperseded(f"A newer attempt at task {self._task} has taken over."))
        elif answer.cancel_requested_at is not None:
            self._cancel(answer.cancel_requested_at)
        return answer

    def send_last(self, snapshot: Snapshot) -> bool:
        """Send the end, from the thread that asks; False: it was not taken."""
        entries = self._log.take()
        try:
            answer = self._publish(replace(snapshot, ts=time.time()), entries)
        except BackendUnavailable as error:
            self._log.give_back(entries)
            logger.warning("The end of task %s was not sent yet: %s", self._task, error)
            return False
        return answer.verdict is not Verdict.SUPERSEDED

    def renew(self) -> bool:
        """As `Source.renew`."""
        lease = self._host.renew(self._snapshot())
        if lease is Lease.LOST:
            self._halt.ask(AttemptSuperseded(f"The lease of task {self._task} is lost."))
        elif lease is Lease.CANCELLED:
            self._cancel(time.time())
        return lease is not Lease.LOST

    def recall(self) -> None:
        """As `Source.recall`."""
        self._ledger.recall(self._host.earlier())

    def _cancel(self, at: float) -> None:
        if self.cancel_requested_at is None:
            self.cancel_requested_at = at
            self._halt.ask(TaskCancelled(f"Task {self._task} was cancelled."))
            self.sender.hurry()

    def hold(self) -> None:
        """As `Source.hold`."""
        self._halt.hold()

    def resume(self) -> None:
        """As `Source.resume`."""
        self._halt.resume()

    def watch(self) -> None:
        """As `Source.watch`."""
        self._halt.watch()

    def cannot_force(self) -> None:
        """The job does not stop, and nothing here can make it."""
        self._log.write("It does not stop, and its worker cannot make it: it goes on to its next step.", Level.WARNING)

    def _snapshot(self) -> Snapshot:
        state = State.RUNNING if self.cancel_requested_at is None else State.CANCELLING
        snapshot = self._ledger.snapshot(state, self.cancel_requested_at)
        stalled_s = self._rhythm.stalled_s
        return snapshot if stalled_s is None else replace(snapshot, stalled_s=stalled_s)


def _nothing() -> None:
    pass
