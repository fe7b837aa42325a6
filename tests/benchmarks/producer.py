"""A process that starts tasks for the benchmark `throughput`, as a web process does.

    python -m tests.benchmarks.producer JOB COUNT          # `plain`: the plain Celery task

Says `ready`, waits for a line, starts so many, and ends when the broker has them.
"""

import os
import sys


def main() -> None:
    """Start as many as was asked for, when told to."""
    import django  # noqa: PLC0415

    import config.celery  # noqa: F401, PLC0415

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from celery import current_app  # noqa: PLC0415
    from django.contrib.auth.models import User  # noqa: PLC0415

    from tasks_app import lifecycle, newcomers, outbox  # noqa: PLC0415
    from tests.benchmarks import stamp_jobs  # noqa: PLC0415

    job, count, user = sys.argv[1], int(sys.argv[2]), User.objects.get(username="benchmark")
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(count):
        if job == "plain":
            current_app.send_task(stamp_jobs.PLAIN, queue="default")
        else:
            lifecycle.enqueue(job, user=user, data={})
    outbox.flush()
    newcomers.flush()


if __name__ == "__main__":
    main()
