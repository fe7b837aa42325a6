"""What people call the models and their fields, in the admin above all.

The words stand here and not in the models: what a model says of a field is part of the migrations' state, and a better
word would be one more migration.
"""

from collections.abc import Mapping
from typing import Any, Final

from django.apps import apps
from django.utils.translation import gettext_lazy as _

# A model's own name, the name of many, and those of its fields.
MODELS: Final[Mapping[str, tuple[Any, Any]]] = {
    "Task": (_("task"), _("tasks")),
    "Schedule": (_("schedule"), _("schedules")),
    "Attachment": (_("file"), _("files")),
    "AuditEntry": (_("audit entry"), _("audit")),
    "Family": (_("family"), _("families")),
    "Subscription": (_("subscription"), _("subscriptions")),
    "Seen": (_("seen notices"), _("seen notices")),
    "Mark": (_("mark"), _("marks")),
    "Probe": (_("probe"), _("probes")),
    "Lock": (_("lock"), _("locks")),
}
FIELDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "Task": {
        "id": _("id"),
        "job": _("job"),
        "owner": _("owner"),
        "origin": _("origin"),
        "group": _("group"),
        "language": _("language"),
        "params": _("parameters"),
        "celery_id": _("Celery id"),
        "own_title": _("own title"),
        "retry_of": _("repeats"),
        "parent": _("part of"),
        "number": _("number of the part"),
        "has_children": _("has parts"),
        "queue": _("queue"),
        "priority": _("priority"),
        "unique_key": _("key of the same work"),
        "idempotency_key": _("key of the call"),
        "state": _("state"),
        "attempt": _("attempt"),
        "failures": _("failed attempts"),
        "losses": _("lost attempts"),
        "past_attempts": _("earlier attempts"),
        "restarts": _("runs again when its worker vanishes"),
        "next_at": _("next attempt at"),
        "lease_until": _("lease until"),
        "worker": _("worker"),
        "percent": _("percent"),
        "message": _("message"),
        "snapshot": _("snapshot"),
        "checkpoint": _("checkpoint"),
        "result": _("result"),
        "error_code": _("code of the error"),
        "error_text": _("text of the error"),
        "traceback": _("traceback"),
        "log": _("log"),
        "pace": _("pace"),
        "created_at": _("asked for at"),
        "published_at": _("published at"),
        "started_at": _("started at"),
        "cancel_requested_at": _("cancel asked at"),
        "finished_at": _("ended at"),
        "end_sent": _("end told"),
        "share_serial": _("shared links taken back"),
    },
    "Attachment": {
        "task": _("task"),
        "field": _("field"),
        "attempt": _("attempt"),
        "name": _("name"),
        "file": _("file"),
        "size": _("size"),
        "content_type": _("type"),
        "created_at": _("added at"),
    },
    "AuditEntry": {
        "task": _("task"),
        "verb": _("deed"),
        "who": _("account"),
        "name": _("by whom"),
        "origin": _("origin"),
        "detail": _("detail"),
        "at": _("when"),
    },
}


def name_all() -> None:
    """Give the models and their fields these names; once, when all models are there."""
    for model_name, (one, many) in MODELS.items():
        model = apps.get_model("tasks_app", model_name)
        model._meta.verbose_name, model._meta.verbose_name_plural = one, many
        for field_name, words in FIELDS.get(model_name, {}).items():
            field: Any = model._meta.get_field(field_name)
            field.verbose_name = words
