"""How many messages may go out now, so that no second ever holds more than the rate allows. Pure, the clock is given.

A bucket that is full at the beginning lets through twice its rate in the first second, and a service counts each.
So the last messages are remembered, from the moment at which the service surely had them: what was on its way for
long must not meet what comes after.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

SECOND_S: Final = 1.0


class Allowance:
    """At most `per_s` messages in any second; of a rate below one, one message in `1 / per_s` seconds.

    A fraction above one is not used: of 2.5 a second two go out.
    """

    def __init__(self, per_s: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._window_s = max(SECOND_S, 1.0 / per_s)
        self._most = max(1, int(per_s))
        self._sent_s: deque[float] = deque()

    @property
    def room(self) -> int:
        """How many may go out now."""
        since_s = self._clock() - self._window_s
        while self._sent_s and self._sent_s[0] <= since_s:
            self._sent_s.popleft()
        return self._most - len(self._sent_s)

    def wait_s(self) -> float:
        """Seconds until one may go out; 0: now."""
        return 0.0 if self.room > 0 else self._sent_s[-self._most] + self._window_s - self._clock()

    def sent(self, count: int) -> None:
        """Note that so many have just gone out, taken by the service or not."""
        self._sent_s.extend([self._clock()] * count)
