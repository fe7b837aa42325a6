"""A parent of ten thousand children through real Celery workers, with one worker killed half-way.

    .venv/bin/python -m tests.benchmarks.families              # SQLite, workers of one process and of two
    .venv/bin/python -m tests.benchmarks.families postgresql
    .venv/bin/python -m tests.benchmarks.families sqlite 1000  # fewer children

Each line is a family with a Valkey, a database and a worker of its own. It ends with an error if a child was lost, or
the parent's step afterwards saw other than the sum of all.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests import environment  # noqa: F401  (before anything reads the settings)
from tests.benchmarks.chain import database, running

CHILDREN = 10_000
LOOK_EVERY_S = 0.25
WITHIN_S = 1_200.0
SHORT = {"TASKS_RENEW_S": "1", "TASKS_LEASE_S": "3", "LOG_LEVEL": "WARNING"}
HALF = 2


def measure(name: str, count: int, concurrency: int) -> None:
    """Run a family and print its line."""
    with running(include="tests.family_jobs", concurrency=concurrency, settings=SHORT) as chain:
        from tasks_app.models import Task  # noqa: PLC0415  (needs Django)

        began_s = time.perf_counter()
        parent = start(chain.user, count)
        until(lambda: Task.objects.filter(parent=parent, state="succeeded").count() * HALF > count)
        half_s = time.perf_counter() - began_s
        chain.worker.service.kill()
        chain.worker.start()
        until(lambda: Task.objects.get(pk=parent.pk).is_final)
        took_s = time.perf_counter() - began_s
        parent.refresh_from_db()
    expected = {"sum": sum(range(count)), "failed": 0}
    if parent.result != expected:
        raise SystemExit(f"{parent.state}: {parent.result} instead of {expected}")
    print(
        f"{name:<11} {count:,} children, {concurrency} at once: {took_s:.0f} s with a worker killed half-way, "
        f"none lost; before that {count / HALF / half_s:.0f} a second",
        flush=True,
    )


def start(user: Any, count: int) -> Any:
    """Start the parent."""
    from tasks_app import outbox  # noqa: PLC0415  (needs Django)
    from tasks_app.models import Task  # noqa: PLC0415

    journal = str(Path(tempfile.mkdtemp()) / "journal")
    params = {"journal": journal, "size": count, "seconds": 0, "fails_at": -1, "on_failure": "stop"}
    parent = Task.objects.create(job="whole", owner=user, params=params)
    outbox.publish(parent)
    return parent


def until(condition: Any) -> None:
    """Wait for it, with maintenance as beat would have it done."""
    from tasks_app.maintenance import maintain  # noqa: PLC0415  (needs Django)

    deadline_s = time.perf_counter() + WITHIN_S
    maintained_s = 0.0
    while not condition():
        now_s = time.perf_counter()
        if now_s > deadline_s:
            raise SystemExit("the family stands still")
        if now_s - maintained_s > 1.0:
            maintain()
            maintained_s = now_s
        time.sleep(LOOK_EVERY_S)


def main() -> None:
    """Run each family in a process of its own."""
    name, count = (sys.argv[1:] + ["sqlite", str(CHILDREN)][len(sys.argv) - 1 :])[:2]
    if concurrency := os.environ.get("FAMILIES_CHILD"):
        measure(name, int(count), int(concurrency))
        return
    for at_once in ("1", "2"):
        with database(name) as url:
            child = os.environ | {"HEADWAY_TEST_DATABASE_URL": url, "FAMILIES_CHILD": at_once}
            subprocess.run([sys.executable, "-m", "tests.benchmarks.families", name, count], env=child, check=True)


if __name__ == "__main__":
    main()
