"""Tells every server process to look again at once whether somebody may still watch what they watch.

Streams that a GRIP proxy holds are ended, after a moment: who still may watch comes back, with a session that is there.

A kick says only "look": the truth stays with Django, which each process asks with the stream's own request. So a kick
too many ends nothing, and one that is lost is made good by the timer that looks now and then.
"""

import logging
import threading
from collections.abc import Iterable
from typing import Final

import msgspec

from progress_app import conf, connections
from progress_app.exceptions import BackendUnavailable

CHANNEL: Final = "access changed"  # it holds a blank, so that no viewer can ask for it
HELD_ENDS_AFTER_S: Final = 1.0

logger = logging.getLogger(__name__)


def kick(users: Iterable[object] | None) -> None:
    """Have the streams of these users looked at, by their ids; None: everybody's. Never raises."""
    named = None if users is None else [str(user) for user in users]
    if named == []:
        return
    _end_held(named)
    try:
        connections.backend().announce(CHANNEL, "kick", msgspec.json.encode(named))
    except BackendUnavailable as error:
        logger.warning("Who may watch is looked at by the timer, for Redis is away: %s", error)


def _end_held(users: list[str] | None) -> None:
    if not conf.get().grip_url:
        return
    # A logout is announced before its session is gone: who came back in between would be let in again.
    timer = threading.Timer(HELD_ENDS_AFTER_S, connections.let_go, (users,))
    timer.daemon = True
    timer.start()


def users_of(data: bytes) -> frozenset[str] | None:
    """Who a kick is about; None: everybody."""
    named = msgspec.json.decode(data, type=list[str] | None)
    return None if named is None else frozenset(named)
