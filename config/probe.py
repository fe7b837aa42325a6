"""What a container's health check runs: `python -m config.probe web|worker|long|urgent|maintenance|beat`.

Exit code 0 means healthy; else one line says what is wrong.
"""

import math
import os
import socket
import sys
import time
import urllib.request
from collections.abc import Callable

PATIENCE_S = 5
# Beat sends the maintenance every 15 s, and notes when.
BEAT_MAY_BE_SILENT_S = 60


def web() -> str:
    """Ask the health page of the web server in this container."""
    port = os.environ.get("UVICORN_PORT", "8000")
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/", timeout=PATIENCE_S):
            return ""
    except OSError as fault:
        return f"the health page does not answer: {fault}"


def worker(node: str = "worker") -> str:
    """Ask the worker of this container over the broker."""
    from config.celery import app  # noqa: PLC0415 - the other checks need no Celery

    name = f"{node}@{socket.gethostname()}"
    try:
        answers = app.control.ping(destination=[name], timeout=PATIENCE_S)
    except Exception as fault:  # noqa: BLE001 - whatever it is, the worker cannot be asked
        return f"the broker cannot be asked: {fault}"
    return "" if answers else f"{name} does not answer"


def long() -> str:
    """Ask the worker for long jobs of this container over the broker."""
    return worker("long")


def urgent() -> str:
    """Ask the worker for urgent jobs of this container over the broker."""
    return worker("urgent")


def maintenance() -> str:
    """Ask the maintenance worker of this container over the broker."""
    return worker("maintenance")


def beat() -> str:
    """Look up when beat last sent the maintenance."""
    import django  # noqa: PLC0415 - the other checks need no Django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django_celery_beat.models import PeriodicTask  # noqa: PLC0415

    try:
        entry = PeriodicTask.objects.filter(name="maintain", last_run_at__isnull=False).first()
    except Exception as fault:  # noqa: BLE001 - whatever it is, beat cannot work either
        return f"the database cannot be asked: {fault}"
    silent_s = time.time() - entry.last_run_at.timestamp() if entry else math.inf
    return "" if silent_s < BEAT_MAY_BE_SILENT_S else f"beat has sent nothing for {silent_s:.0f} s"


PROBES: dict[str, Callable[[], str]] = {
    "web": web, "worker": worker, "long": long, "urgent": urgent, "maintenance": maintenance, "beat": beat
}  # fmt: skip


def main() -> None:
    """Run the probe named on the command line."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in PROBES:
        raise SystemExit(f"{name!r}: expected one of {', '.join(PROBES)}.")
    raise SystemExit(PROBES[name]() or 0)


if __name__ == "__main__":
    main()
