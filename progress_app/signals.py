"""What Django tells about people that may end a stream: a logout, a changed account, a permission taken away."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.db.models.signals import m2m_changed, post_delete, post_save

from progress_app.kick import kick

HARMLESS = frozenset({"last_login"})
CHANGES = frozenset({"post_add", "post_remove", "post_clear"})
MOST_NAMED = 100  # more people are kicked as "everybody"


def connect() -> None:
    """Listen; once, when all apps are loaded."""
    user = get_user_model()
    user_logged_out.connect(_logged_out, dispatch_uid="progress_app.kick")
    post_save.connect(_saved, sender=user, dispatch_uid="progress_app.kick")
    post_delete.connect(_deleted, sender=user, dispatch_uid="progress_app.kick")
    for name in ("groups", "user_permissions"):
        if hasattr(user, name):
            m2m_changed.connect(
                _rights_changed, sender=getattr(user, name).through, dispatch_uid=f"progress_app.{name}"
            )
    m2m_changed.connect(_group_changed, sender=Group.permissions.through, dispatch_uid="progress_app.kick")


def _soon(users: Callable[[], Iterable[object] | None]) -> None:
    transaction.on_commit(lambda: kick(users()))


def _logged_out(*, user: Any, **_: Any) -> None:
    if user is not None:
        kick([user.pk])


def _saved(*, instance: Any, created: bool, update_fields: Iterable[str] | None, **_: Any) -> None:
    if not created and (update_fields is None or set(update_fields) - HARMLESS):
        _soon(lambda: [instance.pk])


def _deleted(*, instance: Any, **_: Any) -> None:
    gone = instance.pk
    _soon(lambda: [gone])


def _rights_changed(*, instance: Any, action: str, reverse: bool, pk_set: set[Any] | None, **_: Any) -> None:
    if action in CHANGES:
        _soon(lambda: pk_set if reverse else [instance.pk])


def _group_changed(*, instance: Any, action: str, reverse: bool, **_: Any) -> None:
    if action not in CHANGES:
        return
    if reverse:  # a permission was given to or taken from groups
        _soon(lambda: None)
    else:
        _soon(lambda: _members(instance))


def _members(group: Group) -> list[Any] | None:
    members = list(group.user_set.values_list("pk", flat=True)[: MOST_NAMED + 1])
    return members if len(members) <= MOST_NAMED else None
