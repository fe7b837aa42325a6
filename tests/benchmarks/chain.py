"""What a task costs from the click to its end in the database, beside plain Celery in the same run.

    .venv/bin/python -m tests.benchmarks.chain              # SQLite, then PostgreSQL if its programs are there
    .venv/bin/python -m tests.benchmarks.chain sqlite

Each database has a process of its own, with a Valkey, a worker of two processes and a million ended tasks. Latencies
are taken in turns, so that both sides meet the same weather: compare within one run. `throughput` has the tasks a
second.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from tests import (
    environment,  # noqa: F401  (before anything reads the settings)
    postgresql,
)

PAIRS = 100
MILLION = 1_000_000
RECURSIVE_SERIES = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %s)"
SERIES = "WITH n AS (SELECT generate_series(1, %s))"
ROUNDS = 9
WITHIN_S = 300.0


class Chain:
    """The measurements, on the database that the environment names."""

    def __init__(self, client: Any, user: Any, worker: Any) -> None:
        self.client = client
        self.user = user
        self.worker = worker

    def started_after_ms(self, start: Callable[[], object]) -> float:
        """Milliseconds from the call to the first line of what it starts."""
        from tests.benchmarks.stamp_jobs import STAMPS  # noqa: PLC0415  (needs Django)

        began_ns = time.time_ns()
        start()
        _, stamped = self.client.blpop([STAMPS], timeout=30)
        return (int(stamped) - began_ns) / 1e6

    def latencies(self) -> tuple[list[float], list[float]]:
        """Enqueue to start of Headway and of plain Celery, in turns."""
        headway, plain = list[float](), list[float]()
        for number in range(PAIRS + 5):
            sides = [(headway, self.enqueue), (plain, self.send_plain)]
            for kept, start in sides if number % 2 else reversed(sides):
                kept.append(self.started_after_ms(start))
                until(self.is_quiet)
        return headway[5:], plain[5:]

    def enqueue(self) -> None:
        """As a form does."""
        from tasks_app import lifecycle  # noqa: PLC0415  (needs Django)

        lifecycle.enqueue("stamp_job", user=self.user, data={})

    @staticmethod
    def send_plain() -> None:
        """As a project without Headway does."""
        from celery import current_app  # noqa: PLC0415  (needs the settings)

        from tests.benchmarks.stamp_jobs import PLAIN  # noqa: PLC0415

        current_app.send_task(PLAIN, queue="default")

    @staticmethod
    def is_quiet() -> bool:
        """Whether every task has ended."""
        from tasks_app.models import Task  # noqa: PLC0415  (needs Django)

        return not Task.objects.unfinished().exists()


def until(condition: Callable[[], bool], look_every_s: float = 0.002) -> None:
    """Wait for it."""
    deadline_s = time.perf_counter() + WITHIN_S
    while not condition():
        if time.perf_counter() > deadline_s:
            raise SystemExit("the chain stands still")
        time.sleep(look_every_s)


def writes_of_a_task(user: Any) -> int:
    """INSERTs and UPDATEs of one task, run in this process."""
    from django.db import connection  # noqa: PLC0415  (needs Django)
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    from tasks_app import outbox, runner  # noqa: PLC0415
    from tasks_app.models import Task  # noqa: PLC0415

    with CaptureQueriesContext(connection) as queries:
        task = Task.objects.create(job="stamp_job", owner=user, queue="nobody")
        outbox.publish(task)
        runner.run(str(task.pk), worker="here")
    return sum(query["sql"].startswith(("INSERT", "UPDATE")) for query in queries)


def fill(tasks: int = MILLION) -> None:
    """Make so many ended tasks of one, by the database alone."""
    from django.db import connection  # noqa: PLC0415  (needs Django)

    from tasks_app.models import Task  # noqa: PLC0415

    template = Task.objects.filter(finished_at__isnull=False).latest()
    is_sqlite = connection.vendor == "sqlite"
    new_id = "lower(hex(randomblob(16)))" if is_sqlite else "gen_random_uuid()"
    columns = [field.column for field in Task._meta.concrete_fields]
    values = ", ".join(new_id if column == "id" else f'"{column}"' for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    series = RECURSIVE_SERIES if is_sqlite else SERIES
    insert = f'INSERT INTO tasks_app_task ({names}) {series} SELECT {values} FROM tasks_app_task, n WHERE "id" = %s'  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(insert, [tasks, template.pk.hex if is_sqlite else template.pk])
        cursor.execute("ANALYZE")


def round_of_maintenance_ms() -> float:
    """The median round, with nothing to do."""
    from tasks_app.maintenance import maintain  # noqa: PLC0415  (needs Django)

    maintain()
    took = list[float]()
    for _ in range(ROUNDS):
        began_s = time.perf_counter()
        maintain()
        took.append((time.perf_counter() - began_s) * 1000)
    return statistics.median(took)


@contextmanager
def running(
    include: str = "tests.benchmarks.stamp_jobs", concurrency: int = 2, settings: Mapping[str, str] | None = None
) -> Iterator[Chain]:
    """A database with its tables, a Valkey and a worker that knows the jobs of these modules."""
    import django  # noqa: PLC0415  (after the environment is set)

    import config.celery  # noqa: F401, PLC0415
    from config import places  # noqa: PLC0415
    from tests.stack import Valkey, Worker  # noqa: PLC0415

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.contrib.auth.models import User  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415

    for module in include.split(","):
        import_module(module)
    call_command("migrate", verbosity=0)
    user = User.objects.create_user("benchmark", is_staff=True, is_superuser=True)
    valkey = Valkey(int(places.redis_url().rpartition(":")[2].partition("/")[0]), Path(tempfile.mkdtemp()))
    valkey.start()
    database = {"DATABASE_URL": os.environ["DATABASE_URL"], "LOG_LEVEL": "WARNING"}
    worker = Worker("benchmark", database | dict(settings or {}), include=include, concurrency=concurrency)
    try:
        worker.start()
        yield Chain(valkey.client(), user, worker)
    finally:
        worker.service.stop()
        valkey.stop()


def measure(name: str) -> None:
    """Print the lines of one database."""
    with running() as chain:
        headway, plain = chain.latencies()
        writes = writes_of_a_task(chain.user)
        fill()
        maintenance_ms = round_of_maintenance_ms()
    ours, theirs = statistics.median(headway), statistics.median(plain)
    show(name, "enqueue to start, p50", f"{ours:8.1f} ms   plain Celery {theirs:.1f} ms: {ours - theirs:.1f} over it")
    show(name, "writes a task", f"{writes:8d}")
    show(name, "a round of maintenance", f"{maintenance_ms:8.1f} ms   beside a million ended tasks")


def show(name: str, what: str, figures: str) -> None:
    """Print a line."""
    print(f"{name:<11} {what:<23} {figures}", flush=True)


def main() -> None:
    """Measure each database in a process of its own."""
    chosen = sys.argv[1:] or ["sqlite", "postgresql"]
    if os.environ.get("CHAIN_CHILD"):
        measure(chosen[0])
        return
    for name in chosen:
        with database(name) as url:
            environment_ = os.environ | {"HEADWAY_TEST_DATABASE_URL": url, "CHAIN_CHILD": "1"}
            subprocess.run([sys.executable, "-m", "tests.benchmarks.chain", name], env=environment_, check=True)


@contextmanager
def database(name: str) -> Iterator[str]:
    """An empty one of this kind, at this URL."""
    if name == "postgresql":
        with postgresql.server() as server:
            yield server.socket_url
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/chain.sqlite3"


if __name__ == "__main__":
    main()
