"""The one place that builds the configured objects; built when first asked for, once a process.

A forked worker child builds its own: a Redis connection must not be shared with its parent.
"""

import os
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any, Final, cast

from django.urls import reverse

from progress_app import conf, patience
from progress_app.backends.redis import RedisBackend, connect
from progress_app.backends.redis_feed import RedisFeed
from progress_app.backends.redis_shelf import RedisShelf
from progress_app.breaker import Condition
from progress_app.mirror import MirroredBackend
from progress_app.patience import AskedOnce
from progress_app.publisher import GAP_S, RAISED_AGAIN_S, Publisher
from progress_app.transports.ably import AblyTransport
from progress_app.transports.base import Transport
from progress_app.transports.grip import GripTransport, kick_of
from progress_app.transports.pusher import PusherTransport

# A proxy of one's own costs nothing a message, and one that lags behind Redis is asked again by its viewers.
PER_S_TO_PROXY: Final = 200.0
GAP_TO_PROXY_S: Final = 0.02


def backend() -> RedisBackend:
    """The backend of this process."""
    built = _built()
    return cast("RedisBackend", AskedOnce(built)) if patience.is_short() else built


def shelf() -> RedisShelf:
    """Where this process keeps small things beside the progress of tasks."""
    built = RedisShelf(_built().client, prefix=conf.get().key_prefix)
    return cast("RedisShelf", AskedOnce(built)) if patience.is_short() else built


def _built() -> RedisBackend:
    return _backend(os.getpid(), conf.get())


def transport() -> Transport | None:
    """The hosted transport of this process, None where SSE or polling carries the events.

    Raises:
        TransportMissing: its client library is not installed.

    """
    return _transport(os.getpid(), conf.get())


def condition(name: str) -> Condition:
    """What publishing to this transport has met with lately, in any process; raises BackendUnavailable."""
    told = shelf().kept(_flag(conf.get(), name))
    return Condition.WORKS if told is None else Condition(told.decode())


def let_go(users: Sequence[str] | None) -> None:
    """Have a GRIP proxy end the streams that it holds for these users, None: for everybody. Waits for nothing."""
    if not isinstance(built := _built(), MirroredBackend):
        return
    for user in (None,) if users is None else users:
        for publisher in built.publishers:
            publisher.put(kick_of(user))


def close() -> None:
    """Send the ends that wait to be published, for two seconds at most; before a process ends."""
    if _backend.cache_info().currsize and isinstance(built := _built(), MirroredBackend):
        for publisher in built.publishers:
            publisher.close()


@lru_cache(maxsize=1)
def _backend(pid: int, settings: conf.Settings) -> RedisBackend:
    client = connect(settings.redis_url)
    options: dict[str, Any] = {
        "prefix": settings.key_prefix,
        "keep_running_s": settings.keep_running_s,
        "keep_final_s": settings.keep_final_s,
        "log_entries": settings.log_entries,
    }
    shelf = RedisShelf(client, prefix=settings.key_prefix)
    publishers = []
    if carrier := _transport(pid, settings):
        publishers.append(_publisher(carrier, settings, shelf, per_s=settings.publish_rate, gap_s=GAP_S))
    if settings.grip_url:
        proxy = GripTransport(url=settings.grip_url)
        publishers.append(_publisher(proxy, settings, shelf, per_s=PER_S_TO_PROXY, gap_s=GAP_TO_PROXY_S))
    return MirroredBackend(client, publishers=publishers, **options) if publishers else RedisBackend(client, **options)


def _publisher(
    carrier: Transport, settings: conf.Settings, shelf: RedisShelf, *, per_s: float, gap_s: float
) -> Publisher:
    return Publisher(
        carrier,
        per_s=per_s,
        most=settings.publish_waiting,
        tell=partial(_tell, shelf, _flag(settings, carrier.name)),
        address=lambda task: reverse("progress:snapshot", args=[task]),
        gap_s=gap_s,
    )


def _flag(settings: conf.Settings, name: str) -> str:
    return f"{settings.key_prefix}:away:{name}"


def _tell(shelf: RedisShelf, key: str, condition: Condition) -> None:
    if condition is Condition.WORKS:
        shelf.forget(key)
    else:
        shelf.keep(key, condition.encode(), int(3 * RAISED_AGAIN_S))


@lru_cache(maxsize=1)
def _transport(_pid: int, settings: conf.Settings) -> Transport | None:
    if settings.transport == "pusher":
        return PusherTransport(
            app_id=settings.pusher_app_id,
            key=settings.pusher_key,
            secret=settings.pusher_secret,
            cluster=settings.pusher_cluster,
            url=settings.pusher_url,
        )
    if settings.transport == "ably":
        return AblyTransport(key=settings.ably_key, url=settings.ably_url)
    return None


def feed() -> RedisFeed:
    """A new feed, for a hub."""
    settings = conf.get()
    return RedisFeed(settings.redis_url, prefix=settings.key_prefix)
