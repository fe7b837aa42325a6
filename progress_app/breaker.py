"""A circuit breaker: whether a service may be asked, and when to try again; pure, the clock is given.

A fault that may pass (busy, away) is waited out with a growing, jittered pause. One that will not pass by itself
(credentials, quota) opens the circuit for good: only another configuration builds another breaker.
"""

import math
import random
from collections.abc import Callable
from enum import StrEnum
from typing import Final

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0
OPEN_AFTER: Final = 3  # faults in a row; one alone is no reason to send viewers elsewhere


class Condition(StrEnum):
    """What a service does, as far as publishing goes."""

    WORKS = "works"
    AWAY = "away"  # or busy: it is tried again
    REFUSES = "refuses"  # credentials, quota, a clock: nothing is tried until the configuration changes


class Breaker:
    """Closed at first. Not safe to share between threads."""

    def __init__(self, clock: Callable[[], float], jitter: Callable[[], float] = random.random) -> None:
        self._clock = clock
        self._jitter = jitter
        self._faults = 0
        self._until_s = -math.inf

    @property
    def is_open(self) -> bool:
        """Whether viewers should look for another way."""
        return self._faults >= OPEN_AFTER or self.is_broken

    @property
    def condition(self) -> Condition:
        """What is to be told of the service."""
        if self.is_broken:
            return Condition.REFUSES
        return Condition.AWAY if self.is_open else Condition.WORKS

    @property
    def is_broken(self) -> bool:
        """Whether it is open for good."""
        return self._until_s == math.inf

    def wait_s(self) -> float:
        """Seconds until the service may be asked; 0: now, infinite: never."""
        return max(0.0, self._until_s - self._clock())

    def failed(self, retry_after_s: float = 0.0) -> None:
        """Note a fault that may pass; the service may have said how long to wait, in seconds."""
        pause_s: float = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(self._faults, 10))
        self._faults += 1
        self._until_s = self._clock() + max(retry_after_s, pause_s * (0.5 + self._jitter() / 2))

    def broke(self) -> None:
        """Note a fault that will not pass."""
        self._until_s = math.inf

    def succeeded(self) -> None:
        """Note that the service works."""
        self._faults = 0
        self._until_s = -math.inf
