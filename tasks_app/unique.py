"""Which tasks are the same work: they have the same key."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.core.files import File
from django.db.models import Model, QuerySet

from tasks_app.registry import Job


def unique_key(job: Job, values: Mapping[str, Any]) -> str:
    """The key of a task with these typed values; "" for a job whose tasks are never the same."""
    if job.unique_by is None:
        return ""
    told = [job.name, [[name, values.get(name)] for name in job.unique_by]]
    return hashlib.sha256(json.dumps(told, default=_told).encode()).hexdigest()


def _told(value: Any) -> Any:
    """A value that JSON does not know: files by their content, rows by their key, the rest by their text."""
    if isinstance(value, File):
        return _digest(value)
    if isinstance(value, Model):
        return value.pk
    if isinstance(value, QuerySet):
        return sorted(str(row.pk) for row in value)
    return str(value)


def _digest(file: File[Any]) -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()
