"""Makes thumbnails of the images in a ZIP archive, in batches that run beside each other.

Three steps: `make_thumbnails` looks what the archive holds and starts the batches, `thumbnail_batch` scales the images
of one, `pack` puts their thumbnails into one archive. A file that is refused stops nothing: it stands in the log and
in the report, by name and with the reason.
"""

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import PurePosixPath
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, Final

from django import forms
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from progress_app.words import also, fill, said, state_text
from tasks_app import conf
from tasks_app.registry import JobError, job
from tasks_app.thumbnails.album import Album, batches, renamed
from tasks_app.thumbnails.archive import Limits, contents, opened, read, shown
from tasks_app.thumbnails.picture import SUFFIXES, thumbnail
from tasks_app.thumbnails.refusal import BadArchive, BadPicture, Refused

if TYPE_CHECKING:
    from django.core.files import File

    from progress_app.reporter import Reporter
    from tasks_app.family import Results

BATCH: Final = 25  # some seconds of work: a batch is what is lost when a worker dies
MOST_LOGGED: Final = 100  # the report has them all
REPORT: Final = "report.json"
NONE_IN_IT: Final = gettext_noop("The archive holds no file that could be an image; the log says why not.")
NONE_READ: Final = gettext_noop("No file of the archive is an image that could be read; the log says why.")
also([NONE_IN_IT, NONE_READ])


class ThumbnailsForm(forms.Form):
    """Which archive, how small, and as what."""

    upload = forms.FileField(
        label=_("ZIP archive"),
        help_text=_("Images as JPEG, PNG, GIF, WebP, BMP or TIFF, in folders or not."),
        widget=forms.FileInput(attrs={"accept": ".zip,application/zip"}),
    )
    edge = forms.IntegerField(
        label=_("Longer edge"),
        min_value=16,
        max_value=2048,
        initial=256,
        help_text=_("In pixels: 16 to 2,048. Smaller images stay as they are."),
        error_messages={"min_value": _("At least 16 pixels."), "max_value": _("At most 2,048 pixels.")},
    )
    form = forms.ChoiceField(label=_("Kind"), choices=[(kind, kind) for kind in SUFFIXES], initial="JPEG")


class BatchForm(ThumbnailsForm):
    """The same, for some of the archive's files."""

    places = forms.JSONField(label=_("Places in the archive"))


@job(
    title=_("Make thumbnails"),
    description=_("Makes small versions of all images in a ZIP archive."),
    form=ThumbnailsForm,
    stages=[gettext_noop("Check"), gettext_noop("Scale"), gettext_noop("Pack")],
    results={
        "thumbnails": _("Thumbnails"),
        "refused": _("Refused"),
        "batches": _("Batches"),
        "kind": _("Kind"),
    },
)
def make_thumbnails(progress: "Reporter", *, upload: "File[Any]", edge: int, form: str) -> None:
    """Look what the archive holds, and start the batches.

    Raises:
        JobError: "not_a_zip", "archive_too_large", or "no_images".

    """
    with progress.stage("Check"), _opened(upload) as archive:
        found = contents(archive, _limits())
        _log(progress, found.refused)
    if not found.accepted:
        raise JobError("no_images", NONE_IN_IT)
    params = [{"places": places, "edge": edge, "form": form} for places in batches(found.accepted, BATCH)]
    progress.map(thumbnail_batch, params, then=pack, on_failure="go on", stage="Scale", unit="batches")


@job(
    title=_("Batch of thumbnails"),
    form=BatchForm,
    internal=True,
    results={"made": _("Thumbnails"), "refused": _("Refused"), "name": _("File"), "reason": _("Reason")},
)
def thumbnail_batch(
    progress: "Reporter", *, upload: "File[Any]", edge: int, form: str, places: list[int]
) -> dict[str, Any]:
    """Scale the images at these places of the archive."""
    limits, refused = _limits(), list[Refused]()
    with TemporaryFile() as file:
        with _opened(upload) as archive, Album(file) as album:
            entries = archive.infolist()
            for place in progress.track(places, unit="images"):
                entry = entries[place]
                try:
                    data = read(archive, entry, limits)
                    small = thumbnail(data, edge=edge, form=form, most_pixels=limits.pixels)
                except BadPicture as error:
                    refused.append(Refused(name=shown(entry.filename), reason=str(error)))
                else:
                    album.add(renamed(entry.filename, SUFFIXES[form]), small)
        progress.attach(file, "thumbnails.zip")
    _log(progress, tuple(refused))
    return {"made": len(places) - len(refused), "refused": [one.as_dict() for one in refused]}


def pack(progress: "Reporter", *, children: "Results", upload: "File[Any]", form: str, **_how: Any) -> dict[str, Any]:
    """Put all thumbnails into one archive, and say what became of every file."""
    with _opened(upload) as archive:
        unread = [one.as_dict() for one in contents(archive, _limits()).refused]
        names = [entry.filename for entry in archive.infolist()]
    made, refused = 0, list[dict[str, str]]()
    with progress.stage("Pack", total=len(children), unit="batches"), TemporaryFile() as file:
        with Album(file) as album:
            for batch in progress.track(children):
                made += sum(map(album.add_all, _files_of(batch)))
                refused += batch.result["refused"] if batch.is_done else _all_refused(batch, names)
            report = _json({"thumbnails": made, "refused": unread + refused})
            album.add(REPORT, report)
        _log(progress, tuple(Refused(**one) for one in refused))
        if not made:
            raise JobError("no_images", NONE_READ)
        progress.attach(file, f"{PurePosixPath(str(upload.name)).stem}-thumbnails.zip")
        progress.attach(BytesIO(report), REPORT)
    return {"thumbnails": made, "refused": len(unread + refused), "batches": len(children), "kind": form}


@contextmanager
def _opened(upload: "File[Any]") -> Iterator[zipfile.ZipFile]:
    try:
        with upload.open() as file, opened(file, _limits()) as archive:
            yield archive
    except BadArchive as error:
        raise JobError(error.code, str(error)) from error


def _files_of(batch: Any) -> Iterator[IO[bytes]]:
    for file in batch.files().values() if batch.is_done else ():
        with file.open() as opened_file:
            yield opened_file


def _all_refused(batch: Any, names: list[str]) -> list[dict[str, str]]:
    why = said(batch.error.text) if batch.error else state_text(batch.state)
    reason = gettext("its batch did not end well: {why}").format(why=why)
    return [Refused(name=shown(names[place]), reason=reason).as_dict() for place in batch.params["places"]]


def _limits() -> Limits:
    settings = conf.get()
    return Limits(
        entries=settings.archive_limit_entries,
        archive_bytes=settings.archive_limit_bytes,
        image_bytes=settings.image_limit_bytes,
        pixels=settings.image_limit_pixels,
    )


def _log(progress: "Reporter", refused: tuple[Refused, ...]) -> None:
    for one in refused[:MOST_LOGGED]:
        progress.log(gettext("Refused {name}: {reason}.").format(name=one.name, reason=one.reason), level="warning")
    if len(refused) > MOST_LOGGED:
        text = gettext("Refused {count} more; the report names them.")
        progress.log(fill(text, count=len(refused) - MOST_LOGGED), level="warning")


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()
