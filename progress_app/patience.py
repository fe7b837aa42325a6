"""One time-out is enough: within `short()`, who has once kept us waiting in vain is not asked again.

A round of maintenance asks Redis and the broker for each of hundreds of tasks. While one of them hangs, each question
costs a whole time-out, and the tasks at the end of the round would wait for all those before them. What cannot be
asked now is left to the next round, as it is while Redis is away.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Final

from redis.exceptions import TimeoutError as TimedOut

from progress_app.exceptions import BackendUnavailable

REDIS: Final = "Redis"
_silent: ContextVar[set[str] | None] = ContextVar("silent", default=None)
_lost_s: dict[str, float] = {}  # when each was last asked in vain, by this process


@contextmanager
def short(*, since_s: float = 0.0) -> Iterator[None]:
    """Within this block, in this thread, nobody who was silent is asked again; nor who was within the last seconds."""
    now_s = time.monotonic()
    before = _silent.set({whom for whom, at_s in _lost_s.items() if now_s - at_s < since_s})
    try:
        yield
    finally:
        _silent.reset(before)


def is_short() -> bool:
    """Whether this thread is within such a block."""
    return _silent.get() is not None


def is_over(whom: str) -> bool:
    """Whether this one is not to be asked again."""
    return whom in (_silent.get() or ())


def lose(whom: str) -> None:
    """Note that this one was asked in vain; of no effect outside a block."""
    silent = _silent.get()
    if silent is not None:
        silent.add(whom)
        _lost_s[whom] = time.monotonic()


class AskedOnce:
    """Something that speaks with Redis, with each of its methods; after a time-out all of them fail at once."""

    def __init__(self, asked: Any) -> None:
        self._asked = asked

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._asked, name)
        return partial(_ask, found) if callable(found) else found


def _ask(question: Callable[..., Any], *args: Any, **named: Any) -> Any:
    if is_over(REDIS):
        raise BackendUnavailable("Redis did not answer a moment ago; it is asked again in a moment.")
    try:
        return question(*args, **named)
    except BackendUnavailable as error:
        if isinstance(error.__cause__, TimedOut):  # other faults cost no time, and may be of one key alone
            lose(REDIS)
        raise
