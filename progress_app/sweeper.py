"""Looks after all open streams of a process with one timer: heartbeats, stalled writes, old age, the drain.

A timer a stream or a write would cost more than the writes themselves.
"""

import asyncio
import random
import time
from typing import Final

from progress_app.conf import Settings
from progress_app.stream import Stream

SWEEP_S: Final = 0.5
DRAIN_SHARE: Final = 0.8  # the last fifth of the drain is for answers still on their way
SLICE_S: Final = 0.1
YOUNGEST_SHARE: Final = 0.8  # streams end at 80–100 % of their maximum age, not all at once


class Sweeper:
    """The open streams of a process. All on one event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ends_s: dict[Stream, float] = {}
        self.draining = False

    def __len__(self) -> int:
        return len(self._ends_s)

    def add(self, stream: Stream) -> None:
        """Look after a stream; one that was being opened when the drain began ends at once."""
        age_s = self._settings.max_age_s * random.uniform(YOUNGEST_SHARE, 1.0)  # noqa: S311
        self._ends_s[stream] = stream.opened_s + age_s
        if self.draining:
            stream.draining = True
            stream.mailbox.end("drained")

    def remove(self, stream: Stream) -> None:
        """Forget a stream that has ended."""
        self._ends_s.pop(stream, None)

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_S)
            self.sweep(time.monotonic())

    def sweep(self, now_s: float) -> None:
        """One look at every stream."""
        for stream, ends_s in list(self._ends_s.items()):
            if stream.send_began_s is not None:
                if now_s - stream.send_began_s > self._settings.write_timeout_s:
                    stream.cut("stalled")
            elif now_s >= ends_s:
                stream.mailbox.end("age")
            elif now_s - stream.wrote_s >= self._settings.heartbeat_s:
                stream.heartbeat()

    async def drain(self) -> None:
        """Close all streams, in random order and in slices, within the time for it."""
        self.draining = True
        streams = list(self._ends_s)
        random.shuffle(streams)
        for stream in streams:
            stream.draining = True
        slices = max(1, int(self._settings.drain_s * DRAIN_SHARE / SLICE_S))
        size = -(-len(streams) // slices) or 1
        for first in range(0, len(streams), size):
            for stream in streams[first : first + size]:
                stream.mailbox.end("drained")
            await asyncio.sleep(SLICE_S)
