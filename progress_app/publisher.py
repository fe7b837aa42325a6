"""Publishes to a hosted service beside the job, never in its way: one thread a process.

1. Whoever publishes only puts a message into the queue; nothing is raised, nothing waits.
2. The thread sends in batches, four a second unless they are full, at no more than the allowed rate: what comes
   faster is conflated in the queue.
3. A service that is away costs viewers their push, not the task its life: the breaker's state stands in Redis, where
   the web processes read it and send viewers to SSE or polling. What waited is sent when the service is back.
4. The truth stays in Redis and the database. A process that ends sends the ends that wait, for two seconds at most.
"""

import atexit
import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import msgspec

from progress_app.allowance import Allowance
from progress_app.breaker import Breaker, Condition
from progress_app.channels import parse
from progress_app.events import VERSION
from progress_app.outgoing import Outgoing
from progress_app.transports.base import Message, Refused, Rejected, Transport, Unsent

FLUSH_S: Final = 2.0
GAP_S: Final = 0.25  # between calls that are not full: a call costs the process some 2 ms of CPU, whatever it holds
RAISED_AGAIN_S: Final = 30.0  # the flag in Redis lives three times as long

logger = logging.getLogger(__name__)


class Publisher:
    """The queue, the thread and the breaker of one transport.

    Args:
        transport: where to.
        per_s: messages at most in any second; only a process that ends sends the ends that wait all the same.
        most: ends, states and log entries that may wait, each.
        tell: called with the service's condition while it cannot be used, and when it can again; may raise.
        address: the snapshot's address of a task, for what is too long to be sent.
        gap_s: pause between calls that are not full.

    """

    def __init__(
        self, transport: Transport, *, per_s: float, most: int, tell: Callable[[Condition], object],
        address: Callable[[str], str], gap_s: float = GAP_S, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.transport = transport
        self.breaker = Breaker(clock)
        self._queue = Outgoing(most)
        self._allowance = Allowance(per_s, clock)
        self._tell = tell
        self._address = address
        self._gap_s = gap_s
        self._clock = clock
        self._raised_s = -math.inf
        self._called_s = -math.inf
        self._drops_told = 0
        self._drops_told_s = -math.inf
        self._news = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def put(self, message: Message) -> None:
        """Let a message be sent when its turn comes; never raises, never waits."""
        if self.breaker.is_broken or self._closing.is_set() or self.transport.wire_name(message.channel) is None:
            return
        self._queue.put(self._fitting(message))
        self._news.set()
        if self._thread is None:
            self._start()

    def close(self, within_s: float = FLUSH_S) -> None:
        """Send the ends that wait, for so long at most, and end the thread."""
        self._closing.set()
        self._news.set()
        if self._thread is not None and self._thread.is_alive():
            self._thread.join(within_s)
        atexit.unregister(self.close)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="progress-publisher", daemon=True)
                self._thread.start()
                atexit.register(self.close)

    def _fitting(self, message: Message) -> Message:
        """The message, or a reference in its place if it is too long for the service."""
        if len(message.data) <= self.transport.limit_bytes:
            return message
        task = parse(message.channel).task
        told = {"v": VERSION, "task": task, "pos": message.pos, "ref": self._address(task) if task else None}
        return replace(message, data=msgspec.json.encode(told))

    # The thread

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._turn()
            except Exception:
                logger.exception("Publishing to %s failed in a way nobody foresaw; going on.", self.transport.name)
                self.breaker.failed()
        self._flush()
        self.transport.close()

    def _turn(self) -> None:
        wait_s = self._wait_s()
        if wait_s > 0:
            self._closing.wait(min(wait_s, RAISED_AGAIN_S))
            self._keep_flag()
        elif batch := self._queue.take(min(self.transport.batch, self._allowance.room)):
            self._send(batch)
        else:
            self._news.wait(RAISED_AGAIN_S)
            self._news.clear()

    def _wait_s(self) -> float:
        """Seconds until the breaker and the rate let something through."""
        is_full = len(self._queue) >= self.transport.batch
        gap_s = 0.0 if is_full else self._called_s + self._gap_s - self._clock()
        return max(self.breaker.wait_s(), self._allowance.wait_s(), gap_s)

    def _send(self, batch: Sequence[Message]) -> None:
        self._called_s = self._clock()
        self._tell_of_drops()
        try:
            self.transport.send(batch)
        except Refused as error:
            logger.error("%s Nothing more is published until the configuration changes.", error)  # noqa: TRY400
            self.breaker.broke()
            self._queue.clear()
            self._keep_flag()
        except Unsent as error:
            logger.warning("%s It is tried again later; the tasks go on.", error)
            self._queue.put_back(batch if error.messages is None else error.messages)
            self.breaker.failed(error.retry_after_s)
            self._keep_flag()
        except Rejected as error:
            logger.error("%s %d of them are dropped.", error, len(batch))  # noqa: TRY400
        else:
            self._worked()
        finally:
            self._allowance.sent(len(batch))

    def _tell_of_drops(self) -> None:
        dropped = self._queue.dropped - self._drops_told
        if dropped and self._clock() - self._drops_told_s >= RAISED_AGAIN_S:
            self._drops_told, self._drops_told_s = self._queue.dropped, self._clock()
            logger.warning("%d messages to %s were dropped: too many waited.", dropped, self.transport.name)

    def _worked(self) -> None:
        if self.breaker.is_open:
            logger.info("%s works again.", self.transport.name)
        self.breaker.succeeded()
        if self._raised_s > -math.inf:
            self._raised_s = -math.inf
            self._note(Condition.WORKS)

    def _keep_flag(self) -> None:
        """Say in Redis that the service cannot be used, and say it again from time to time."""
        if self.breaker.is_open and self._clock() - self._raised_s >= RAISED_AGAIN_S:
            self._raised_s = self._clock()
            self._note(self.breaker.condition)

    def _note(self, condition: Condition) -> None:
        try:
            self._tell(condition)
        except Exception as error:  # noqa: BLE001  (Redis is away: the flag is said again)
            logger.warning("The state of %s could not be noted: %s", self.transport.name, type(error).__name__)

    def _flush(self) -> None:
        """Send what waits, ends first, until the service fails or nobody waits for us any more."""
        deadline_s = self._clock() + FLUSH_S
        while len(self._queue) and not self.breaker.wait_s() and self._clock() < deadline_s:
            self._send(self._queue.take(self.transport.batch))
