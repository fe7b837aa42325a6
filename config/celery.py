"""The Celery application, set for jobs that run for hours. Tried values and their reasons stand beside each.

Nothing is imported here from the project: `-A config.celery`, asgi, wsgi, manage.py and the tests name it.
(`config/__init__.py` stays empty, because the bootstrap imports `config` on bare Python.)
"""

import os

from celery import Celery

from config import env, places

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

MAINTAIN_EVERY_S = env.seconds("MAINTAIN_EVERY_S", 15.0, at_least=0.1)
# What a click may wait for a broker that hangs. The supervisor gives the workers 5 s: they may be patient.
SOCKET_TIMEOUT_S = env.seconds("BROKER_SOCKET_TIMEOUT_S", 2.0, at_least=0.1)

app = Celery("headway")
app.conf.update(
    broker_url=places.redis_url(),
    broker_connection_retry_on_startup=True,
    # A worker never gives up on its broker; the default is 100 tries.
    broker_connection_max_retries=None,
    broker_connection_timeout=1,
    # A broker that hangs must not hang who publishes: without these a stopped Redis blocks for ever.
    broker_transport_options={
        "socket_timeout": SOCKET_TIMEOUT_S,
        "socket_connect_timeout": 1,
        "retry_on_timeout": False,
        "max_retries": 0,
        # A list a priority, so that within one the first to come is the first to go: `backlog` relies on it.
        "priority_steps": list(range(10)),
    },
    # The outbox publishes again; a retry here would only make the click wait longer.
    task_publish_retry=False,
    # State and result are the Task row's; with a result backend each publish subscribes to a channel.
    task_ignore_result=True,
    # Early acknowledgement: with late ones a job longer than the visibility timeout (1 h) runs twice.
    # The row's lease says who runs a task, and its attempt is the fence.
    task_acks_late=False,
    # Nothing is redelivered with early acknowledgement, so a job goes on while the broker is away.
    worker_cancel_long_running_tasks_on_connection_loss=False,
    # A worker takes a message only when a slot is free, so that short jobs do not wait behind its long one.
    worker_disable_prefetch=True,
    # The line above bounds what a worker takes, by what it runs. A count of unacknowledged messages beside it would
    # keep the slot of each acknowledgement that Redis did not answer: after as many a worker takes nothing for ever.
    worker_prefetch_multiplier=0,
    # The runner hands a running task back in this time, then the process ends (with REMAP_SIGTERM=SIGQUIT).
    worker_soft_shutdown_timeout=env.seconds("WORKER_SOFT_SHUTDOWN_S", 10.0),
    worker_concurrency=env.integer("WORKER_CONCURRENCY", 2, at_least=1),
    # Opening SQLite costs as much as two writes, and a server process of PostgreSQL as much as ten tasks.
    # `tasks_app.signals` looks whether a kept connection has died.
    CELERY_DB_REUSE_MAX=1_000,
    worker_hijack_root_logger=False,
    # Nobody listens to Celery's own events here, and gossip costs each worker messages of all the others.
    worker_send_task_events=False,
    task_serializer="json",
    accept_content=["json"],
    enable_utc=True,
    timezone="UTC",
    task_default_queue="default",
    # Its own queue with its own small worker: maintenance must run while jobs of hours fill every slot.
    task_routes={"tasks_app.maintain": {"queue": "maintenance"}, "tasks_app.start_scheduled": {"queue": "maintenance"}},
    # Ops set times in the admin while beat runs; what stands here is written there at each start.
    beat_scheduler="django_celery_beat.schedulers:DatabaseScheduler",
    beat_schedule={
        "maintain": {
            "task": "tasks_app.maintain",
            "schedule": MAINTAIN_EVERY_S,
            # Late rounds are dropped: one look at the tasks is as good as ten.
            "options": {"expire_seconds": int(MAINTAIN_EVERY_S)},
        },
    },
    # Written after each round, so that a health check can tell by the row that beat lives.
    beat_sync_every=1,
)
app.autodiscover_tasks(["tasks_app"])
