"""Examines how events travel, from Redis to a viewer, and whether anybody works: all of it asked, nothing assumed."""

import time
from functools import partial
from typing import Final

import msgspec
from celery import current_app
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from progress_app import conf, connections, tokens
from progress_app.channels import user_channel
from progress_app.exceptions import BackendUnavailable
from tasks_app import diagnosis, trial
from tasks_app.diagnosis import Finding

PING_S: Final = 1.0
TOKEN_S: Final = 60
MAINTENANCE: Final = "tasks_app.maintain"


def installation() -> list[Finding]:
    """What stands behind the stream: Redis, its clock, the hosted transport if one is chosen, workers, maintenance."""
    return [*_redis(), *_transport(), diagnosis.workers(_workers()), diagnosis.maintenance(_maintenance_silent_s())]


def delivery(url: str, user_id: int, *, is_long: bool = False) -> list[Finding]:
    """What a real stream of this user's shows, at the site with this address; nothing while Redis is away."""
    try:
        token = ticket(user_id)
    except BackendUnavailable:
        return []
    stream = f"{url.rstrip('/')}/events/?token={token}"
    return diagnosis.of_trial(trial.attempt(stream, partial(tick, user_id), is_long=is_long))


def ticket(user_id: int) -> str:
    """A token for one stream of the user's own channel; raises BackendUnavailable."""
    keep, prefix = connections.shelf().keep, conf.get().key_prefix
    return tokens.issue(keep, prefix=prefix, user=user_id, channels=[user_channel(user_id)], ttl_s=TOKEN_S)


def tick(user_id: int, number: int) -> None:
    """Send an event that only a doctor listens to on the user's own channel; raises BackendUnavailable."""
    data = msgspec.json.encode({"v": 1, "number": number})
    connections.backend().append(user_channel(user_id), trial.EVENT, data)


def _redis() -> list[Finding]:
    try:
        skew_s = connections.backend().time_s() - time.time()
    except BackendUnavailable as fault:
        return [diagnosis.redis(str(fault))]
    return [diagnosis.redis(""), diagnosis.clock("redis clock", skew_s)]


def _transport() -> list[Finding]:
    name = conf.get().transport
    try:
        return [diagnosis.transport(name, connections.condition(name))] if name in conf.HOSTED else []
    except BackendUnavailable:
        return []


def _workers() -> int:
    try:
        return len(current_app.control.ping(timeout=PING_S, limit=1) or ())
    except Exception:  # noqa: BLE001  (whatever the broker makes of it, no worker was heard)
        return 0


def _maintenance_silent_s() -> float | None:
    entry = PeriodicTask.objects.filter(task=MAINTENANCE, last_run_at__isnull=False).order_by("-last_run_at").first()
    return None if entry is None else (timezone.now() - entry.last_run_at).total_seconds()
