"""A process that starts tasks for the benchmark `chain`, as a web process does.

    python -m tests.benchmarks.producer headway|plain COUNT

Says `ready`, waits for a line, starts so many, and ends when the broker has them.
"""

import os
import sys
from typing import Any


def enqueue(user: Any) -> None:
    """Start a task as a form does."""
    from tasks_app import lifecycle  # noqa: PLC0415  (needs Django)

    lifecycle.enqueue("stamp_job", user=user, data={})


def send_plain(_user: Any) -> None:
    """Start one as a project without Headway does."""
    from celery import current_app  # noqa: PLC0415  (needs the settings)

    from tests.benchmarks.stamp_jobs import PLAIN  # noqa: PLC0415

    current_app.send_task(PLAIN, queue="default")


STARTS = {"headway": enqueue, "plain": send_plain}


def main() -> None:
    """Start as many as was asked for, when told to."""
    import django  # noqa: PLC0415

    import config.celery  # noqa: F401, PLC0415

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.contrib.auth.models import User  # noqa: PLC0415

    import tests.benchmarks.stamp_jobs  # noqa: F401, PLC0415
    from tasks_app import newcomers, outbox  # noqa: PLC0415

    start, user = STARTS[sys.argv[1]], User.objects.get(username="benchmark")
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(int(sys.argv[2])):
        start(user)
    outbox.flush()
    newcomers.flush()


if __name__ == "__main__":
    main()
