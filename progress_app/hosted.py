"""Which way the events take to browsers now, and what a browser needs for a hosted transport."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from progress_app import conf, connections
from progress_app.breaker import Condition
from progress_app.exceptions import BackendUnavailable

ALWAYS: Final = ("sse", "poll")
REMEMBERED_S: Final = 1.0  # viewers of a busy page share one question to Redis

logger = logging.getLogger(__name__)


def offered() -> tuple[str, ...]:
    """The transports that a client may ask for here."""
    chosen = conf.get().transport
    return (*ALWAYS, chosen) if chosen in conf.HOSTED else ALWAYS


def via() -> str:
    """The transport that clients should use now: the chosen one, or `sse` while that one is away."""
    chosen = conf.get().transport
    if chosen not in conf.HOSTED:
        return chosen
    now_s = time.monotonic()
    if _known.transport != chosen or now_s - _known.asked_s > REMEMBERED_S:
        _known.transport, _known.asked_s, _known.is_away = chosen, now_s, _ask(chosen)
    return "sse" if _known.is_away else chosen


async def via_soon() -> str:
    """As `via`, for an event loop."""
    chosen = conf.get().transport
    if chosen not in conf.HOSTED or (_known.transport == chosen and time.monotonic() - _known.asked_s <= REMEMBERED_S):
        return via()
    return await asyncio.to_thread(via)


def told_in(body: bytes, way: str) -> bytes:
    """A snapshot's JSON with the way that clients should use; as it was where no hosted transport is chosen."""
    return body[:-1] + b',"via":"%b"}' % way.encode() if conf.get().transport in conf.HOSTED else body


def _ask(name: str) -> bool:
    try:
        return connections.condition(name) is not Condition.WORKS
    except BackendUnavailable as error:
        logger.warning("Whether %s is away cannot be told: %s", name, error)
        return True


@dataclass
class _Known:
    """What was asked last. A race of two threads costs a second question."""

    transport: str = ""
    asked_s: float = 0.0
    is_away: bool = False


_known = _Known()


def for_client(channels: Sequence[str]) -> dict[str, Any]:
    """How to connect to the hosted transport, and what it calls those of the channels that it carries."""
    carrier = connections.transport()
    if carrier is None:
        return {}
    names = {channel: name for channel in channels if (name := carrier.wire_name(channel))}
    return {"settings": carrier.for_client(), "channels": names}
