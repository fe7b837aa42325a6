"""How fast the work goes, smoothed. Pure; the clock's readings are given."""

import math

HALF_LIFE_S = 5.0  # half of the weight lies on the last 5 s: steady to read, yet a slow-down shows within seconds


class Rate:
    """An exponentially weighted rate over uneven intervals.

    An observation of `dt` seconds weighs `1 - 2 ** (-dt / half_life)`; the sum of weights is kept beside the average,
    so that the first observations are not pulled towards zero.
    """

    __slots__ = ("_average", "_half_life_s", "_last", "_weight")

    def __init__(self, half_life_s: float = HALF_LIFE_S) -> None:
        self._half_life_s = half_life_s
        self._last: tuple[float, float] | None = None
        self._average = 0.0
        self._weight = 0.0

    def observe(self, now_s: float, count: float) -> None:
        """Take a reading of the counter; a counter that fell starts the rate anew."""
        if self._last is None or count < self._last[1]:
            self._last, self._average, self._weight = (now_s, count), 0.0, 0.0
            return
        elapsed_s = now_s - self._last[0]
        if elapsed_s <= 0.0:
            return
        share = -math.expm1(-math.log(2.0) * elapsed_s / self._half_life_s)
        self._average += share * ((count - self._last[1]) / elapsed_s - self._average)
        self._weight += share * (1.0 - self._weight)
        self._last = (now_s, count)

    @property
    def per_s(self) -> float | None:
        """Counts a second; None before there were two readings."""
        return self._average / self._weight if self._weight else None
