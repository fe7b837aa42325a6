"""Looks again whether those who watch still may: by a timer, and at once after a kick.

1. Django is asked with the stream's own request, so that a session that ended, an account that was switched off and a
   permission that was taken away all tell. A stream opened with a token has no session: its user is asked for.
2. Not knowing ends nothing: while the database is away, streams go on.
3. A logout is announced before its session is gone, so that a kick looks twice.
4. At most `CHECKS_PER_S` streams are looked at in a second: with very many streams the timer's turn takes longer.
"""

import asyncio
import logging
import random
import time
from typing import Any, Final

from progress_app.authorizer import Authorizer
from progress_app.exceptions import Overloaded
from progress_app.stats import Stats
from progress_app.stream import Stream

EVERY_S: Final = 1.0
CHECKS_PER_S: Final = 50
LOOKS_AFTER_S: Final = (0.0, 1.0)
AT_ONCE: Final = 20  # of a kick that is about many

logger = logging.getLogger(__name__)


class Guard:
    """The streams of a process and when to look at each. All on one event loop.

    Args:
        authorizer: asks Django.
        recheck_s: how often each stream is looked at.
        stats: counts who is sent away.

    """

    def __init__(self, authorizer: Authorizer, stats: Stats, *, recheck_s: float) -> None:
        self._authorizer = authorizer
        self._stats = stats
        self._recheck_s = recheck_s
        self._streams: dict[Stream, tuple[float, dict[str, Any] | None]] = {}  # when to look again, and its request

    def add(self, stream: Stream, scope: dict[str, Any] | None) -> None:
        """Look after a stream; `scope` is that of its request, None if it was opened with a token."""
        first_s = time.monotonic() + self._recheck_s * random.uniform(0.5, 1.0)  # noqa: S311
        self._streams[stream] = first_s, scope

    def remove(self, stream: Stream) -> None:
        """Forget a stream that has ended."""
        self._streams.pop(stream, None)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            now_s = time.monotonic()
            due = [stream for stream, (due_s, _) in self._streams.items() if due_s <= now_s][:CHECKS_PER_S]
            for stream in due:
                self._streams[stream] = now_s + self._recheck_s, self._streams[stream][1]
            await self._look_at(due)

    async def kick(self, users: frozenset[str] | None) -> None:
        """Look at the streams of these users now; None: at everybody's."""
        for after_s in LOOKS_AFTER_S:
            await asyncio.sleep(after_s)
            await self._look_at([s for s in self._streams if users is None or s.grant.user in users])

    async def _look_at(self, streams: list[Stream]) -> None:
        for first in range(0, len(streams), AT_ONCE):
            await asyncio.gather(*map(self._check, streams[first : first + AT_ONCE]))

    async def _check(self, stream: Stream) -> None:
        if stream not in self._streams:
            return
        try:
            may = await self._may(stream)
        except Overloaded:
            return  # the next turn looks again
        except Exception:
            logger.exception("Whether user %s may still watch could not be found out.", stream.grant.user)
            return
        if not may and stream in self._streams:
            self._stats.kicked += 1
            stream.forbid()

    async def _may(self, stream: Stream) -> bool:
        _, scope = self._streams[stream]
        if scope is None:
            return await self._authorizer.still(stream.grant)
        verdict = await self._authorizer.authorize(scope)
        return not verdict.is_no and (verdict.grant is None or verdict.grant.user == stream.grant.user)
