"""Examines how events travel, from Redis to a viewer, and whether anybody works: all of it asked, nothing assumed."""

import time
from functools import partial
from typing import Final

import msgspec
from celery import current_app
from django.db.models import F
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
    return [*_redis(), *_transport(), diagnosis.workers(_workers()), _maintenance()]


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


def _maintenance() -> Finding:
    """What beat has noted of the rounds that it sends; a new one notes the first as soon as it was due."""
    entries = PeriodicTask.objects.filter(task=MAINTENANCE).select_related("interval")
    entry = entries.order_by(F("last_run_at").desc(nulls_last=True)).first()
    if entry is None:
        return diagnosis.maintenance(None)
    if entry.last_run_at is not None:
        return diagnosis.maintenance((timezone.now() - entry.last_run_at).total_seconds())
    due_in_s = (entry.date_changed + entry.schedule.run_every - timezone.now()).total_seconds()
    may_come = due_in_s > -diagnosis.BEAT_MAY_BE_SILENT_S
    return diagnosis.maintenance(None, first_in_s=max(1.0, due_in_s) if may_come else None)
