"""What the benchmarks `chain` and `throughput` run in their worker: each tells when it started."""

import time
from functools import cache
from typing import Any

import redis
from celery import shared_task

from config import places
from tasks_app.registry import job

PLAIN = "benchmarks.plain"
STAMPS = "benchmarks:stamps"


@cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(places.redis_url())


def stamp() -> None:
    """Note the present moment."""
    _redis().rpush(STAMPS, time.time_ns())


@job(title="Stamp")
def stamp_job(_progress: Any) -> None:
    """Say when it started."""
    stamp()


@shared_task(name=PLAIN)
def plain() -> None:
    """Say when it started."""
    stamp()
