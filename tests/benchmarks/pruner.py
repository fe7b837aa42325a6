"""A process that forgets old tasks for the benchmark `throughput --busy`, as `prune_tasks` does."""

import os


def main() -> None:
    """Forget all that ended before a year that no other task ended in."""
    import django  # noqa: PLC0415

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from tasks_app import retention  # noqa: PLC0415
    from tasks_app.models import Task  # noqa: PLC0415
    from tests.benchmarks.throughput import LONG_AGO  # noqa: PLC0415

    for _ in retention.forget(Task.objects.filter(finished_at__lte=LONG_AGO)):
        pass


if __name__ == "__main__":
    main()
