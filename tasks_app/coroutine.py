"""Runs a job that is an `async def`, on an event loop of its own.

1. A coroutine that waits makes no progress call. So a second one looks a few times a second whether the job is to stop,
   and cancels it where it waits: its `finally` blocks run, and no force is needed.
2. A worker that stops raises SystemExit in the main thread; it leaves the loop, which cancels what it still runs.
3. A group of coroutines wraps what one of them was told in a group of exceptions: the reason itself is raised.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final, Protocol

from progress_app.exceptions import AttemptSuperseded, TaskCancelled, TimeLimitReached

LOOK_EVERY_S: Final = 0.1


class Stoppable(Protocol):
    """What knows whether the job is to stop: its reporter."""

    def raise_if_cancelled(self) -> None:
        """Raise the reason, if there is one."""


def run(work: Coroutine[Any, Any, Any], progress: Stoppable) -> Any:
    """What the coroutine gives; raises what it raises, or why it was to stop."""
    return asyncio.run(_watched(work, progress))


async def _watched(work: Coroutine[Any, Any, Any], progress: Stoppable) -> Any:
    job = asyncio.ensure_future(work)
    watch = asyncio.ensure_future(_look(progress))
    await asyncio.wait({job, watch}, return_when=asyncio.FIRST_COMPLETED)
    if job.done():
        watch.cancel()
    else:
        job.cancel()
    await asyncio.wait({job, watch})
    try:
        return job.result()
    except (asyncio.CancelledError, BaseExceptionGroup):
        progress.raise_if_cancelled()
        raise


async def _look(progress: Stoppable) -> None:
    """Return as soon as the job is to stop."""
    with suppress(TaskCancelled, TimeLimitReached, AttemptSuperseded):
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            progress.raise_if_cancelled()
