"""The settings of progress_app, their defaults, units and bounds, in one typed class.

A Django setting `PROGRESS_<NAME>` sets the field of the same name in lower case. The README's table is checked
against this class, and `manage.py check` reports a value that cannot be used.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings as django_settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from progress_app.events import Snapshot
from progress_app.exceptions import SettingError

if TYPE_CHECKING:
    from progress_app.listing import Listing

PREFIX = "PROGRESS_"
HOSTED = ("pusher", "ably")  # the transports that are a service of somebody else's


def _setting(default: Any, explanation: str, *, least: float | None = None, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"explanation": explanation, "least": least})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every tunable. Names end in their unit: `_s` seconds, `_ms` milliseconds; plain numbers are counts."""

    redis_url: str = _setting("redis://127.0.0.1:6379/0", "Where the live progress is kept.")
    key_prefix: str = _setting("headway", "First part of every Redis key and channel; one for each project.")
    may_read: str = _setting("", "Dotted path of `(user, channel) -> bool`; empty: nobody reads anything.")
    record: str = _setting("", "Dotted path of `(task_id) -> Snapshot | None`, the project's own record.")
    listing: str = _setting("", "Dotted path of `(channel) -> Listing`, the unfinished tasks that a list begins with.")
    overview: str = _setting("", "Dotted path of `() -> dict`, what the channel `ops` says of queues and workers.")
    events_url: str = _setting("", "Address of the stream on another host, ending in `/events/`; empty: our own.")
    send_interval_s: float = _setting(0.1, "A reporter sends at most once in this time.", least=0.01)
    pulse_s: float = _setting(1.0, "A reporter with nothing new sends once in this time.", least=0.1)
    keep_running_s: int = _setting(86_400, "A snapshot is forgotten so long after its last pulse.", least=60)
    keep_final_s: int = _setting(3_600, "A finished task's snapshot and log stay in Redis so long.", least=1)
    log_entries: int = _setting(1_000, "The newest entries kept in a log channel.", least=1)
    token_ttl_s: int = _setting(60, "A stream token may be used so long after it was made.", least=1)
    max_channels: int = _setting(50, "Channels that one stream may ask for.", least=1)
    heartbeat_s: float = _setting(15.0, "A stream with nothing to say says so once in this time.", least=1)
    max_age_s: float = _setting(1_800.0, "A stream is closed, and comes back, at 80–100 % of this.", least=1)
    write_timeout_s: float = _setting(5.0, "A viewer that takes no byte for so long is let go.", least=0.1)
    drain_s: float = _setting(10.0, "Open streams are closed within this time at a shutdown.", least=0)
    tick_s: float = _setting(0.25, "A viewer of more than 10 tasks is written to once in this time.", least=0.01)
    recheck_s: float = _setting(40.0, "Positions of watched channels are compared with Redis.", least=1)
    authorize_threads: int = _setting(4, "Threads that answer who may read what.", least=1)
    authorize_queue: int = _setting(1_000, "Requests that may wait for those threads.", least=1)
    access_recheck_s: float = _setting(60.0, "Each stream's permission is looked at once in this time.", least=1)
    poll_cache_s: float = _setting(15.0, "A poller's permission is remembered so long; a kick forgets it.", least=0)
    cors_origins: str = _setting("", "Other origins that may read, by commas; `*`: all of them, but without cookies.")
    metrics_token: str = _setting("", "Bearer token that reads /metrics; empty: only staff, by their session.")
    max_streams: int = _setting(10_000, "Open streams of one process.", least=1)
    max_streams_per_user: int = _setting(20, "Open streams of one user in one process.", least=1)
    transport: str = _setting("sse", "What carries the events to browsers: `sse`, `pusher`, `ably` or `poll`.")
    pusher_app_id: str = _setting("", "Pusher: the app's id, digits.")
    pusher_key: str = _setting("", "Pusher: the app's key, which browsers see.")
    pusher_secret: str = _setting("", "Pusher: the app's secret.", secret=True)
    pusher_cluster: str = _setting("", "Pusher: where the app lives, `eu` for instance.")
    pusher_url: str = _setting("", "Pusher: an own server that speaks its protocol, instead of the cluster.")
    ably_key: str = _setting("", "Ably: a key that may publish, subscribe and read history.", secret=True)
    ably_url: str = _setting("", "Ably: an emulator for tests, instead of the service.")
    grip_url: str = _setting("", "Control address of a GRIP proxy that holds the streams; empty: none.", secret=True)
    publish_rate: float = _setting(2.0, "Messages a second that one process sends to Pusher or Ably.", least=0.1)
    publish_waiting: int = _setting(2_000, "Of ends, tasks and log entries each, so many may wait to be sent.", least=1)

    @property
    def reads(self) -> Callable[[Any, str], bool]:
        """The project's answer to "may this user read this channel?"; nobody may while none is set."""
        return import_string(self.may_read) if self.may_read else _nobody

    @property
    def recorded(self) -> Callable[[str], Snapshot | None]:
        """The project's own record of a task; none while none is set."""
        return import_string(self.record) if self.record else _no_record

    @property
    def listed(self) -> "Callable[[str], Listing] | None":
        """The project's list of unfinished tasks, None while none is set."""
        return import_string(self.listing) if self.listing else None

    @property
    def overviewed(self) -> Callable[[], dict[str, Any]]:
        """What the project says of its queues and workers; nothing while none is set."""
        return import_string(self.overview) if self.overview else dict


def _nobody(_user: Any, _channel: str) -> bool:
    return False


def _no_record(_task: str) -> Snapshot | None:
    return None


@lru_cache(maxsize=1)
def get() -> Settings:
    """The project's settings, read once; a test that overrides a setting gets a fresh reading.

    Raises:
        SettingError: a value has the wrong type or is too small.

    """
    return Settings(**configured(PREFIX, Settings))


def configured(prefix: str, kind: Any) -> dict[str, Any]:
    """What Django's settings say of the fields of a dataclass, each with the type of its default.

    Args:
        prefix: of the names in Django's settings.
        kind: the dataclass; the metadata of its fields have the `least` value, None for any.

    Raises:
        SettingError: a value would only fail later, far from its cause.

    """
    names = {field.name: prefix + field.name.upper() for field in fields(kind)}
    return {
        field.name: _checked(prefix, field, getattr(django_settings, names[field.name]))
        for field in fields(kind)
        if hasattr(django_settings, names[field.name])
    }


def _checked(prefix: str, setting: Any, value: Any) -> Any:
    name, default, least = prefix + setting.name.upper(), setting.default, setting.metadata["least"]
    kind = "whole number" if isinstance(default, int) else "number"
    expected = "text" if isinstance(default, str) else f"a {kind} ≥ {least}"
    fits = isinstance(value, str) if isinstance(default, str) else _is_number(value, type(default), least)
    if not fits:
        raise SettingError(f"{name}={value!r}: expected {expected}; leave it unset for the default {default!r}.")
    return value if isinstance(default, str) else type(default)(value)


def _is_number(value: Any, kind: type, least: float | None) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    if kind is int and value != int(value):
        return False
    return least is None or cast("float", value) >= least


def _forget(*, setting: str, **_: Any) -> None:
    if setting.startswith(PREFIX):
        get.cache_clear()


setting_changed.connect(_forget)
