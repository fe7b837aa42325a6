"""What the web processes say of themselves in Redis: their open streams, and how late they deliver."""

import time
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from progress_app import conf, connections

TELL_EVERY_S: Final = 2.0
SILENT_AFTER_S: Final = 10.0  # a process that has not told for so long is gone


def key(prefix: str) -> str:
    """Where they stand: a hash, a field a process."""
    return f"{prefix}:processes"


def sorted_by_life(told: Iterable[bytes], now_s: float) -> tuple[list[dict[str, Any]], list[str]]:
    """Those that live, by name, and the names of those that are gone; `now_s` is the Unix time."""
    decoded = [msgspec.json.decode(each, type=dict[str, Any]) for each in told]
    alive = [each for each in decoded if now_s - each["ts"] < SILENT_AFTER_S]
    gone = [str(each["name"]) for each in decoded if each not in alive]
    return sorted(alive, key=lambda each: str(each["name"])), gone


def processes() -> list[dict[str, Any]]:
    """Those that live, each with `name`, `streams`, `channels`, `lag_ms` and `ts`, for a page's first paint.

    Raises:
        BackendUnavailable: Redis is away.

    """
    found = connections.shelf().fields(key(conf.get().key_prefix))
    return sorted_by_life(found.values(), time.time())[0]
