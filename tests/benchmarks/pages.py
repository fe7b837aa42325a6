"""How long the server takes for the pages of people, with 100,000 tasks in the database.

    .venv/bin/python -m tests.benchmarks.pages
    .venv/bin/python -m tests.benchmarks.pages 1000000
    .venv/bin/python -m tests.benchmarks.pages 1000000 --keep FOLDER     # makes the rows once, and finds them again
    DATABASE_URL=postgres://… .venv/bin/python -m tests.benchmarks.pages

Milliseconds a page, the median and the worst of a round of requests in this process, after one to warm up.
"""

import argparse
import logging
import os
import statistics
import tempfile
import time
from datetime import timedelta
from typing import Any

TASKS = 100_000
ROUNDS = 15
BATCH = 5_000
NOWHERE = "/tasks/?scope=all&q=nowhere"


def main() -> None:
    """Make the database, ask each page, print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("tasks", nargs="?", type=int, default=TASKS)
    parser.add_argument("--keep", help="folder for the database, which is used again if it is there")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"HEADWAY_VAR": given.keep or folder, "SECRET_KEY": "x" * 50}
        os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", "HEADWAY_WEAK_PASSWORD_HASHES": "1"}
        import django  # noqa: PLC0415 - it reads the environment

        django.setup()
        _measure(given.tasks)


def _measure(tasks: int) -> None:
    from django.core.management import call_command  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415

    from config import assets  # noqa: PLC0415
    from tasks_app.models import Task  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    assets.collect_if_changed()
    running = Task.objects.unfinished().select_related("owner").first() or _fill(tasks)
    logging.disable(logging.WARNING)  # there is no Redis here, and each page says so
    client = Client(headers={"host": "localhost"})
    assert running.owner is not None
    client.force_login(running.owner)
    pages = {
        "jobs": "/", "form": "/jobs/rehearsal/", "tasks": "/tasks/", "all tasks": "/tasks/?scope=all",
        "failed": "/tasks/?scope=all&q=state:failed", "a word": "/tasks/?scope=all&q=row", "no match": NOWHERE,
        "a file": f"/tasks/?scope=all&q=orders-{tasks // 2}.csv", "a state": "/tasks/?scope=all&q=lost",
        "by job": "/tasks/?scope=all&sort=job", "by state": "/tasks/?scope=all&sort=state",
        "far page": "/tasks/?scope=all&page=3000", "task": running.get_absolute_url(), "operations": "/ops/",
        "admin list": "/admin/tasks_app/task/", "admin failed": "/admin/tasks_app/task/?state=failed",
        "admin word": "/admin/tasks_app/task/?q=nowhere",
    }  # fmt: skip
    print(f"{tasks:,} tasks; ms on the server, median and worst of {ROUNDS}")
    for name, path in pages.items():
        took = [_ms(client, path) for _ in range(ROUNDS + 1)][1:]
        print(f"{name:13} {statistics.median(took):7.1f} {max(took):7.1f}", flush=True)


def _ms(client: Any, path: str) -> float:
    began_s = time.perf_counter()
    response = client.get(path)
    took_ms = (time.perf_counter() - began_s) * 1000
    assert response.status_code == 200, (path, response.status_code)
    return took_ms


def _fill(tasks: int) -> Any:
    """Make so many ended tasks, a minute apart, each with a file, and one that runs, which is returned."""
    from django.contrib.auth.models import User  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415
    from django.db.models import OuterRef, Subquery  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from progress_app.events import State  # noqa: PLC0415
    from tasks_app.models import Attachment, Task  # noqa: PLC0415

    user = User.objects.create_superuser("bench", password="bench")
    now, ends = timezone.now(), [State.SUCCEEDED] * 8 + [State.FAILED, State.CANCELLED]
    for first in range(0, tasks, BATCH):
        made = Task.objects.bulk_create(
            Task(
                job="rehearsal", owner=user, state=ends[number % 10], attempt=1, percent=100, message=f"Row {number}",
                created_at=now - timedelta(minutes=number), started_at=now - timedelta(minutes=number),
                finished_at=now - timedelta(minutes=number) + timedelta(seconds=20),
            )
            for number in range(first, first + BATCH)
        )  # fmt: skip
        Attachment.objects.bulk_create(
            Attachment(task=task, field="file", name=f"orders-{number}.csv", file=f"tasks/{task.pk}/x.csv", size=9)
            for number, task in enumerate(made, first)
        )
    asked = Task.objects.filter(pk=OuterRef("task")).values("created_at")
    Attachment.objects.update(created_at=Subquery(asked))  # each as old as its task
    if (
        connection.vendor == "postgresql"
    ):  # which does so by itself after a while; SQLite does when asked, and nobody asks
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    return Task.objects.create(job="rehearsal", owner=user, state=State.RUNNING, attempt=1, started_at=now)


if __name__ == "__main__":
    main()
