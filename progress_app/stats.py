"""What a server process has done since it began, in plain numbers; `metrics` and `ops` show them. Pure.

Counting is on the way of every event, so it costs an addition.
"""

from bisect import bisect_left
from collections import Counter
from typing import Final

LAG_BOUNDS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 15.0)
_SENT_AT: Final = b'"ts":'


class Stats:
    """The counts of one process.

    Attributes:
        opened, resumed: streams, and those of them that brought a position back.
        refused: requests for a stream that got none, by reason.
        ended: streams by cause.
        events: read from Redis and handed to viewers, by channel, not by viewer.
        conflated: snapshots and rows that a newer one replaced before a slow viewer took them.
        resets: log channels that could not be continued.
        reconnects: connections to Redis that were lost or not made, by cause.
        kicked: streams that ended because their viewer may not read any more.
        polls: answers to polling, by status.
        lags: how many events went out within each of LAG_BOUNDS_S after their reporter sent them, and beyond.

    """

    def __init__(self) -> None:
        self.opened = self.resumed = self.events = self.conflated = 0
        self.resets = self.kicked = 0
        self.reconnects: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.polls: Counter[int] = Counter()
        self.lags = [0] * (len(LAG_BOUNDS_S) + 1)
        self.lag_sum_s = 0.0
        self._window_s: list[float] = []

    def delivered(self, snapshot: bytes, now_s: float) -> None:
        """Count a snapshot that has been handed to its viewers; `now_s` is the Unix time."""
        self.events += 1
        at = snapshot.rfind(_SENT_AT)
        if at < 0:
            return
        try:
            sent_at_s = float(snapshot[at + len(_SENT_AT) :].rstrip(b"}"))
        except ValueError:  # not a snapshot of ours
            return
        if not sent_at_s:  # the row of a task that no reporter has spoken for yet
            return
        lag_s = max(0.0, now_s - sent_at_s)
        self.lags[bisect_left(LAG_BOUNDS_S, lag_s)] += 1
        self.lag_sum_s += lag_s
        self._window_s.append(lag_s)

    def take_lag_ms(self) -> float | None:
        """The longest lag since the last call in milliseconds, None without an event."""
        window_s, self._window_s = self._window_s, []
        return round(max(window_s) * 1_000, 1) if window_s else None
