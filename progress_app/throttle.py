"""When to send: at once if it matters, at most so often otherwise, and a pulse when nothing changes. Pure."""


class Throttle:
    """Decides when a sender sends.

    Args:
        interval_s: the least time between two sends that are not urgent.
        pulse_s: the longest time without a send.

    """

    __slots__ = ("_interval_s", "_last_s", "_pulse_s")

    def __init__(self, interval_s: float, pulse_s: float) -> None:
        self._interval_s = interval_s
        self._pulse_s = pulse_s
        self._last_s: float | None = None

    def sent(self, now_s: float) -> None:
        """Remember a send, on any monotonic clock."""
        self._last_s = now_s

    def is_due(self, now_s: float, *, changed: bool, urgent: bool = False) -> bool:
        """Whether to send now.

        `changed`: there is something new. `urgent`: it may not wait (a state or stage change, the first, the last).
        """
        if urgent or self._last_s is None:
            return True
        return now_s - self._last_s >= (self._interval_s if changed else self._pulse_s)
