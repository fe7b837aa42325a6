"""Files of a task: those a person gave and those the job made, kept by Django's storages."""

import mimetypes
from collections import defaultdict
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import PurePath, PurePosixPath
from typing import IO, Any, Final
from uuid import UUID

from django.core.files import File
from django.db import transaction
from django.db.models import Prefetch

from progress_app.exceptions import AttemptSuperseded
from tasks_app.models import Attachment, Task

LONGEST_NAME: Final = 255
UNKNOWN_TYPE: Final = "application/octet-stream"


def given() -> Prefetch[str, Any, str]:
    """For rows of tasks: each then has its input files as `given`, by name alone. One more query."""
    return Prefetch("attachments", Attachment.objects.exclude(field="").only("task_id", "name"), "given")


def names_given(tasks: Iterable[UUID]) -> defaultdict[UUID, list[str]]:
    """The names of the input files of these tasks, by task, in their order; of one without any none. One query."""
    rows = Attachment.objects.filter(task__in=list(tasks)).exclude(field="")
    names = defaultdict[UUID, list[str]](list)
    for task, name in rows.values_list("task_id", "name"):
        names[task].append(name)
    return names


def keep(task: Task, file: IO[bytes] | File[Any], name: str, *, field: str = "") -> Attachment:
    """Store a file and note it with the task; `field` names the form's field that it came by.

    Nothing is left behind when there is no room for it.
    """
    kept = _stored(task, file, name, field=field)
    try:
        kept.save(force_insert=True)
    except BaseException:
        discard(kept)
        raise
    return kept


def store_result(task: Task, file: IO[bytes] | File[Any], name: str) -> Attachment:
    """Store a file that the task's present attempt made, still unnoted: see `note_result`."""
    return _stored(task, file, name, attempt=task.attempt)


def note_result(task: Task, stored: Attachment) -> None:
    """Note a stored file with the task, in place of that of this name of an attempt before.

    Calling it again after a fault of the database is harmless, whatever the database did before it went away.

    Raises:
        AttemptSuperseded: somebody else has the task; nothing is noted.

    """
    with transaction.atomic():
        row = Task.objects.select_for_update().filter(pk=task.pk, attempt=task.attempt, finished_at=None)
        if row.first() is None:
            raise AttemptSuperseded(f"Attempt {task.attempt} is over; its file {stored.name!r} is not kept.")
        results = Attachment.objects.filter(task=task, field="")
        if not results.filter(file=stored.file.name).exists():
            stored.save(force_insert=True)
        before = list(results.filter(name=stored.name, attempt__lt=task.attempt))
        results.filter(pk__in=[attachment.pk for attachment in before]).delete()
    for attachment in before:
        discard(attachment)


def _stored(task: Task, file: IO[bytes] | File[Any], name: str, *, field: str = "", attempt: int = 0) -> Attachment:
    plain = plain_name(name)
    content = file if isinstance(file, File) else File(file)
    attachment = Attachment(
        task=task, field=field, attempt=attempt, name=plain, size=content.size, content_type=content_type(plain)
    )
    attachment.file.name = attachment.file.field.generate_filename(attachment, plain)
    try:
        attachment.file.name = attachment.file.storage.save(attachment.file.name, content)
    except BaseException:
        discard(attachment)
        raise
    return attachment


def discard(attachment: Attachment) -> None:
    """Delete a stored file, whole or not, with the folders that are empty then."""
    place = PurePosixPath(str(attachment.file.name))
    for path in (place, *place.parents[:2]):
        with suppress(OSError):  # what cannot be deleted now is a stray file, which pruning removes
            attachment.file.storage.delete(str(path))


def share_inputs(source: Task, target: Task, *, except_for: Collection[str] = ()) -> None:
    """Let another task use the same input files, but for those of some fields; the stored file is one."""
    for given in source.attachments.exclude(field__in=["", *except_for]):
        Attachment.objects.create(
            task=target, field=given.field, name=given.name, file=given.file.name, size=given.size,
            content_type=given.content_type,
        )  # fmt: skip


def inputs(task: Task) -> dict[str, File[Any]]:
    """The input files by form field, closed; a job opens what it needs. A child has those of its parent."""
    kept = Attachment.objects.filter(task=task.parent_id or task.pk).exclude(field="")
    return {given.field: StoredFile(given) for given in kept}


class StoredFile(File[Any]):
    """A stored input as a form and a job see it: named as it was uploaded, opened when asked for."""

    def __init__(self, attachment: Attachment) -> None:
        self._attachment = attachment
        super().__init__(None, name=attachment.name)
        self.content_type = attachment.content_type

    @property
    def size(self) -> int:
        """Its size in bytes."""
        return self._attachment.size

    def open(self, mode: str | None = "rb", *_: Any, **__: Any) -> "StoredFile":
        """Open it for reading, from its beginning."""
        self.file = self._attachment.file.storage.open(str(self._attachment.file.name), mode or "rb").file
        return self


def plain_name(name: str) -> str:
    """The last part of a path, without control characters, short enough to be kept."""
    last = PurePath(name.replace("\\", "/")).name
    printable = "".join(c for c in last if c.isprintable()).strip(". ")
    return printable[-LONGEST_NAME:] or "file"


def content_type(name: str) -> str:
    """The type that a name promises; it decides nothing but the header of a download."""
    return mimetypes.guess_type(name)[0] or UNKNOWN_TYPE
