"""A task, which is one run of a job, and the files that belong to it."""

import uuid
from datetime import timedelta
from pathlib import PurePath
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.text import get_valid_filename
from django.utils.translation import gettext_lazy as _

from progress_app.events import FINAL, LogEntry, State
from progress_app.words import said
from tasks_app import locks, registry  # noqa: F401  (locks are models, and Django looks for them here)
from tasks_app.registry import DEFAULT_PRIORITY, DEFAULT_QUEUE
from tasks_app.transitions import GOOD, WAITING, Transitions

PUBLISHED_WITHIN = timedelta(seconds=3)  # longer than the broker's time-out
CANCELLABLE = (*WAITING, State.RUNNING)
STATES = [(state.value, _(state.value.capitalize())) for state in State]  # marked as the browser's words


class Mark(models.Model):
    """How far something that goes through the tasks has come."""

    name = models.CharField(max_length=64, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Probe(models.Model):
    """The probe of a line, which is a queue and a priority: see `probe`."""

    queue = models.CharField(max_length=64)
    priority = models.PositiveSmallIntegerField()
    sent_at = models.DateTimeField(null=True)  # when the newest one was published
    answered = models.DateTimeField(null=True)  # when the newest one that has run was published

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["queue", "priority"], name="one_probe_a_line")]

    def __str__(self) -> str:
        return f"{self.queue} {self.priority}"


class Task(models.Model):
    """One run of a job. The database is the truth about it; Redis only knows how far it is right now."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    job = models.CharField(max_length=64)
    # What points elsewhere has no index of its own where another begins with it, or only few rows have a value: each
    # index is written to at every move on PostgreSQL.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="headway_tasks", db_index=False
    )
    origin = models.CharField(max_length=100, blank=True, editable=False)  # from where it was started, as in the audit
    group = models.ForeignKey(  # its members may read
        "auth.Group", null=True, blank=True, on_delete=models.SET_NULL, db_index=False
    )
    params = models.JSONField(default=dict)  # as the form's widgets read them; the form reads them again at the run
    celery_id = models.CharField(max_length=255, blank=True, editable=False)  # of a tracked task: Celery alone runs it
    own_title = models.CharField(max_length=200, blank=True, editable=False)  # of a tracked task, which has no job
    language = models.CharField(max_length=20, blank=True, editable=False)  # of who started it: its job speaks it
    retry_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="retries", db_index=False
    )
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="children", db_index=False
    )
    number = models.PositiveIntegerField(default=0, editable=False)  # among its parent's children, from 0
    has_children = models.BooleanField(default=False, editable=False)  # then there is a `family`
    queue = models.CharField(max_length=64, default=DEFAULT_QUEUE)  # with the priority: the line that it waits in
    priority = models.PositiveSmallIntegerField(default=DEFAULT_PRIORITY)  # 0 first, 9 last
    unique_key = models.CharField(max_length=64, blank=True, editable=False)  # of those that are the same work
    idempotency_key = models.CharField(max_length=100, blank=True, editable=False)  # the caller's name for its call

    state = models.CharField(max_length=10, choices=STATES, default=State.QUEUED)
    attempt = models.PositiveIntegerField(default=0)  # the fence: it only rises
    failures = models.PositiveIntegerField(default=0)  # attempts that failed
    losses = models.PositiveIntegerField(default=0)  # attempts whose worker vanished
    past_attempts = models.JSONField(default=list, editable=False)  # those that did not end the task, as `attempts` has
    # Whether it is run again should its worker vanish: the job's word when it was claimed.
    restarts = models.BooleanField(default=True, editable=False)
    next_at = models.DateTimeField(null=True, editable=False)  # while retrying: not before
    lease_until = models.DateTimeField(null=True, editable=False)  # by the database's clock
    worker = models.CharField(max_length=200, blank=True)

    percent = models.FloatField(null=True)
    message = models.CharField(max_length=500, blank=True)
    snapshot = models.TextField(blank=True, editable=False)  # the last one that was noted, as its JSON
    checkpoint = models.TextField(blank=True, editable=False)  # where the next attempt goes on, as its JSON

    result = models.JSONField(null=True)
    error_code = models.CharField(max_length=64, blank=True)
    error_text = models.TextField(blank=True)
    traceback = models.TextField(blank=True)  # for staff only
    log = models.JSONField(default=list, editable=False)  # the newest entries of all attempts
    pace = models.JSONField(default=dict, editable=False)  # how it went through its stages: later runs forecast from it

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    published_at = models.DateTimeField(null=True, editable=False)  # None: nobody knows that the broker has it
    started_at = models.DateTimeField(null=True, editable=False)
    cancel_requested_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    # Written as True together with the end, and taken back if the event could not be sent: one write fewer a task.
    end_sent = models.BooleanField(default=True, editable=False)

    share_serial = models.PositiveIntegerField(default=0, editable=False)  # raised, it revokes the links given out

    joined = False  # no column: whoever started this one got it in place of a twin

    objects = Transitions.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at"]
        get_latest_by = "created_at"
        indexes: ClassVar = [
            models.Index(fields=["owner", "-created_at"], name="task_of_owner"),
            models.Index(fields=["-created_at"], name="task_newest"),
            models.Index(fields=["job", "-created_at"], name="task_of_job"),
            # What lists show, and count: all but the children.
            models.Index(fields=["state", "-created_at"], name="task_listed", condition=models.Q(parent__isnull=True)),
            # What maintenance looks for is rare among a million finished tasks.
            models.Index(fields=["lease_until"], name="task_leased", condition=models.Q(lease_until__isnull=False)),
            # By its end and not its state: SQLite cannot tell that `state IN (?, ?)` lies within a condition.
            models.Index(fields=["published_at"], name="task_unfinished", condition=models.Q(finished_at__isnull=True)),
            models.Index(fields=["state", "queue", "priority", "published_at"], name="task_line"),
            models.Index(fields=["finished_at"], name="task_ended"),
            models.Index(fields=["finished_at"], name="task_bad", condition=~models.Q(state__in=GOOD)),
            models.Index(fields=["group"], name="task_of_group", condition=models.Q(group__isnull=False)),
            models.Index(fields=["retry_of"], name="task_again", condition=models.Q(retry_of__isnull=False)),
            models.Index(fields=["finished_at"], name="task_end_unsent", condition=models.Q(end_sent=False)),
            models.Index(fields=["parent", "number"], name="task_child", condition=models.Q(parent__isnull=False)),
            models.Index(
                fields=["parent", "number"],
                name="task_child_unfinished",
                condition=models.Q(parent__isnull=False, finished_at__isnull=True),
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(state__in=[s.value for s in State]), name="task_state_is_known"),
            models.CheckConstraint(
                condition=models.Q(finished_at__isnull=True) | models.Q(state__in=sorted(FINAL)),
                name="task_finished_is_final",
            ),
            models.UniqueConstraint(
                fields=["unique_key"],
                condition=~models.Q(unique_key="") & models.Q(finished_at__isnull=True),
                name="task_unique_while_unfinished",
            ),
            models.UniqueConstraint(
                fields=["owner", "idempotency_key"],
                condition=~models.Q(idempotency_key=""),
                name="task_idempotent",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job} {self.id}"

    def get_absolute_url(self) -> str:
        """The task's page."""
        return reverse("tasks:detail", args=[self.pk])

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in FINAL

    @property
    def may_be_cancelled(self) -> bool:
        """Whether asking to cancel makes sense."""
        return self.state in CANCELLABLE

    @property
    def is_waiting_for_queue(self) -> bool:
        """Whether it should be with the broker by now and is not known to be."""
        late = timezone.now() - self.created_at > PUBLISHED_WITHIN
        ours = self.published_at is None and self.next_at is None and not self.celery_id and self.parent_id is None
        return self.state in WAITING and ours and late

    @property
    def title(self) -> str:
        """The job's title, or its name if the job is gone from the code."""
        return said(self.own_title) or registry.title_of(self.job)

    @property
    def duration_s(self) -> float | None:
        """How long it ran or has been running, in seconds; None before it began."""
        if self.started_at is None:
            return None
        return ((self.finished_at or timezone.now()) - self.started_at).total_seconds()

    def log_entries(self) -> list[LogEntry]:
        """What the job logged, as it was kept at the end."""
        return [LogEntry(task=str(self.pk), **entry) for entry in self.log]


class Family(models.Model):
    """What the children of a task have in common, written once, when they are made."""

    parent = models.OneToOneField(Task, on_delete=models.CASCADE, primary_key=True, related_name="family")
    total = models.PositiveIntegerField()
    then = models.CharField(max_length=200, blank=True)  # dotted path of the function that goes on after them
    on_failure = models.CharField(max_length=10)
    # How the parent's bar shows them, as `progress_app.rollup.Rollup` has it.
    snapshot = models.TextField()
    low = models.FloatField()
    high = models.FloatField()
    stage = models.PositiveIntegerField(null=True)

    def __str__(self) -> str:
        return f"{self.total} children of {self.parent_id}"


class AuditEntry(models.Model):
    """What somebody did with a task after its start; see `audit`."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="audit")
    verb = models.CharField(max_length=20)
    who = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(max_length=150, blank=True)  # theirs, as it was: accounts are renamed and deleted
    origin = models.CharField(max_length=100, blank=True)
    detail = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["pk"]
        verbose_name_plural = "audit"

    def __str__(self) -> str:
        return f"{self.name} {self.verb} {self.task_id}"


def _stored_at(attachment: "Attachment", name: str) -> str:
    """Where a file lies: a folder a file, so that two of one name do not meet."""
    return f"tasks/{attachment.task_id}/{uuid.uuid4().hex}/{get_valid_filename(PurePath(name).name)[-100:]}"


class Attachment(models.Model):
    """A file of a task: one that a person gave (`field` names the form's field), or one that the job made."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="attachments")
    field = models.CharField(max_length=64, blank=True)
    attempt = models.PositiveIntegerField(default=0, editable=False)  # that made it; 0: a person gave it
    name = models.CharField(max_length=255)
    file = models.FileField(upload_to=_stored_at, max_length=400)
    size = models.PositiveBigIntegerField()
    content_type = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["pk"]
        # A search reads the names of the files since a day; with the name in it PostgreSQL would not take the index.
        indexes: ClassVar = [models.Index(fields=["created_at"], name="file_newest")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Where it is downloaded."""
        return reverse("tasks:file", args=[self.task_id, self.pk, self.name])


class Subscription(models.Model):
    """Somebody who asked for an e-mail at a task's end; `sent_at` None: not sent yet."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="subscriptions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    language = models.CharField(max_length=20, blank=True)  # in which they asked
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["task", "user"], name="one_subscription_a_reader")]
        indexes: ClassVar = [models.Index(fields=["task"], name="mail_unsent", condition=models.Q(sent_at=None))]

    def __str__(self) -> str:
        return f"{self.task_id} for {self.user_id}"


class Seen(models.Model):
    """Which notices somebody has seen, on whatever device; see `seen`."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+")
    until = models.FloatField(default=0)  # those told until this Unix time in seconds
    apart = models.JSONField(default=list)  # and those of these tasks, the newest last

    def __str__(self) -> str:
        return f"{self.user_id} until {self.until}"
