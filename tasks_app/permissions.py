"""Who may what. The owner and staff read, cancel and retry; members of the task's group read; nobody else sees it.

Starting a job needs the job's permission, or being staff where it names none.
"""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Q
from django.http import Http404

from progress_app.channels import Kind, parse
from progress_app.exceptions import ChannelNameError
from tasks_app.models import Task
from tasks_app.registry import ANYBODY, Job, all_jobs
from tasks_app.transitions import Transitions

User = AbstractBaseUser | AnonymousUser
STAFF_CHANNELS = frozenset({Kind.TASKS, Kind.OPS})
OWN_CHANNELS = frozenset({Kind.USER, Kind.USER_TASKS})


def visible_tasks(user: Any) -> Transitions:
    """The tasks that a user may read."""
    if not user.is_authenticated or not user.is_active:
        return Task.objects.none()
    if user.is_staff:
        return Task.objects.all()
    return Task.objects.filter(Q(owner=user) | Q(group__in=user.groups.all()))


def listed_tasks(user: Any) -> Transitions:
    """As `visible_tasks`, for a list: the groups are asked for first, as a subquery in an OR keeps from every index."""
    if not user.is_authenticated or not user.is_active or user.is_staff:
        return visible_tasks(user)
    groups = list(user.groups.values_list("pk", flat=True))
    return Task.objects.filter(Q(owner_id=user.pk) | Q(group_id__in=groups))


def own_tasks(user: Any) -> Transitions:
    """The tasks that a user owns."""
    if not user.is_authenticated or not user.is_active:
        return Task.objects.none()
    return Task.objects.filter(owner_id=user.pk)


def visible_task(user: Any, task_id: UUID) -> Task:
    """A task that a user may read.

    Raises:
        Http404: there is none, or it is not theirs to see: the two cannot be told apart.

    """
    task: Task | None = visible_tasks(user).select_related("owner").filter(pk=task_id).first()
    if task is None:
        raise Http404
    return task


def only_staff(user: Any) -> None:
    """Let staff pass.

    Raises:
        Http404: for everybody else, as if there were nothing.

    """
    if not (user.is_active and user.is_staff):
        raise Http404


def may_control(user: Any, task: Task) -> bool:
    """Whether a user may cancel and retry a task."""
    return bool(user.is_active and (user.is_staff or (task.owner_id is not None and task.owner_id == user.pk)))


def audience(task: Task) -> tuple[str, ...]:
    """Who sees the task's row in lists beside staff, as `Backend.publish` names them."""
    owner = () if task.owner_id is None else (f"user-{task.owner_id}",)
    group = () if task.group_id is None else (f"group-{task.group_id}",)
    return owner + group


def may_start(user: Any, job: Job) -> bool:
    """Whether a user may start a job."""
    if not user.is_authenticated or not user.is_active or job.internal:
        return False
    if job.permission == ANYBODY:
        return True
    return bool(user.has_perm(job.permission) if job.permission else user.is_staff)


def startable_jobs(user: Any) -> list[Job]:
    """The jobs of the catalogue that a user may start, by title."""
    return [job for job in all_jobs() if not job.unlisted and may_start(user, job)]


def may_read(user: Any, channel: str) -> bool:
    """Whether a user may watch a channel; the project's PROGRESS_MAY_READ."""
    if not user.is_authenticated or not user.is_active:
        return False
    try:
        parsed = parse(channel)
    except ChannelNameError:
        return False
    if parsed.task is not None:
        return visible_tasks(user).filter(pk=parsed.task).exists()
    if parsed.kind in OWN_CHANNELS:
        return parsed.subject == str(user.pk)
    return parsed.kind in STAFF_CHANNELS and bool(user.is_staff)
