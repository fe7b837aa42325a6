import json

from django.apps.registry import Apps
from django.db import migrations, models

import progress_app.events


def prune_daily(apps: Apps, _schema_editor: object) -> None:
    """A quiet hour of each night; ops may change it."""
    crontab, _ = apps.get_model("django_celery_beat", "CrontabSchedule").objects.get_or_create(
        minute="17", hour="3", day_of_week="*", day_of_month="*", month_of_year="*", timezone="UTC"
    )
    name, params = "Prune old tasks", {"days": "90", "most": "1000000"}
    apps.get_model("django_celery_beat", "PeriodicTask").objects.get_or_create(
        name=name,
        defaults={
            "task": "tasks_app.start_scheduled",
            "crontab": crontab,
            "kwargs": json.dumps({"name": name, "job": "prune_tasks", "params": params, "owner": None}),
        },
    )


class Migration(migrations.Migration):
    dependencies = [
        ("tasks_app", "0001_initial"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="task",
            index=models.Index(fields=["owner", "-created_at"], name="task_of_owner"),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(fields=["-created_at"], name="task_newest"),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(fields=["job", "-created_at"], name="task_of_job"),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(
                condition=models.Q(("parent__isnull", True)), fields=["state", "-created_at"], name="task_listed"
            ),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(
                condition=models.Q(("lease_until__isnull", False)), fields=["lease_until"], name="task_leased"
            ),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(
                condition=models.Q(("finished_at__isnull", True)), fields=["published_at"], name="task_unfinished"
            ),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(fields=["state", "queue", "priority", "published_at"], name="task_line"),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(fields=["finished_at"], name="task_ended"),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(condition=models.Q(("end_sent", False)), fields=["finished_at"], name="task_end_unsent"),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(
                condition=models.Q(("parent__isnull", False)), fields=["parent", "number"], name="task_child"
            ),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(
                condition=models.Q(("finished_at__isnull", True), ("parent__isnull", False)),
                fields=["parent", "number"],
                name="task_child_unfinished",
            ),
        ),
        migrations.AddConstraint(
            model_name="task",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        ["queued", "running", "cancelling", "retrying", "succeeded", "failed", "cancelled", "lost"],
                    )
                ),
                name="task_state_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="task",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("finished_at__isnull", True),
                    (
                        "state__in",
                        [
                            progress_app.events.State["CANCELLED"],
                            progress_app.events.State["FAILED"],
                            progress_app.events.State["LOST"],
                            progress_app.events.State["SUCCEEDED"],
                        ],
                    ),
                    _connector="OR",
                ),
                name="task_finished_is_final",
            ),
        ),
        migrations.AddConstraint(
            model_name="task",
            constraint=models.UniqueConstraint(
                condition=models.Q(models.Q(("unique_key", ""), _negated=True), ("finished_at__isnull", True)),
                fields=("unique_key",),
                name="task_unique_while_unfinished",
            ),
        ),
        migrations.AddConstraint(
            model_name="task",
            constraint=models.UniqueConstraint(
                condition=models.Q(("idempotency_key", ""), _negated=True),
                fields=("owner", "idempotency_key"),
                name="task_idempotent",
            ),
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(condition=models.Q(("sent_at", None)), fields=["task"], name="mail_unsent"),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.UniqueConstraint(fields=("task", "user"), name="one_subscription_a_reader"),
        ),
        migrations.RunPython(prune_daily, migrations.RunPython.noop),
    ]
