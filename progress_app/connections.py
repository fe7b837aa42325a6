"""The one place that builds the configured objects; built when first asked for, once a process.

A forked worker child builds its own: a Redis connection must not be shared with its parent.
"""

import os
from functools import lru_cache

from progress_app import conf
from progress_app.backends.redis import RedisBackend, connect
from progress_app.backends.redis_feed import RedisFeed


def backend() -> RedisBackend:
    """The backend of this process."""
    return _backend(os.getpid(), conf.get())


@lru_cache(maxsize=1)
def _backend(_pid: int, settings: conf.Settings) -> RedisBackend:
    return RedisBackend(
        connect(settings.redis_url),
        prefix=settings.key_prefix,
        keep_running_s=settings.keep_running_s,
        keep_final_s=settings.keep_final_s,
        log_entries=settings.log_entries,
    )


def feed() -> RedisFeed:
    """A new feed, for a hub."""
    settings = conf.get()
    return RedisFeed(settings.redis_url, prefix=settings.key_prefix)
