"""The channel `ops`: what the project says about its queues and workers, asked while somebody watches."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from progress_app.sse import frame
from progress_app.topic import Topic

EVERY_S: Final = 2.0

logger = logging.getLogger(__name__)
Overview = Callable[[], Awaitable[bytes | None]]


async def nothing_to_tell() -> bytes | None:
    """The overview of a project that gives none."""
    return None


async def keep_told(topic: Topic, overview: Overview) -> None:
    """Show the newest overview while anybody watches; one that cannot be had leaves the last one standing."""
    told: bytes | None = None
    while True:
        try:
            found = await overview()
        except Exception:
            logger.exception("The overview for operations could not be made.")
            found = None
        topic.is_ready()
        if found is not None and found != told:
            told = found
            topic.pos += 1
            topic.show(topic.pos, frame("ops", told), final=False)
        await asyncio.sleep(EVERY_S)
        if not topic.subscribers:
            return
