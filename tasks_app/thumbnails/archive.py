"""Reading a ZIP archive that somebody uploaded: what it says about itself is checked before anything is unpacked.

1. A directory of a million names would fill the memory before it could be refused: its size is read first.
2. Sizes that an archive states may be lies: reading an entry stops one byte past its limit.
3. Nothing is written to a path: a name is only a name. Those that try to lead elsewhere are refused all the same,
   because they would stand in the archive of thumbnails.
"""

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Final

from django.utils.translation import gettext as _

from progress_app.words import fill
from tasks_app.thumbnails.refusal import BadArchive, BadPicture, Refused

END: Final = b"PK\x05\x06"
LONGEST_END: Final = 22 + 2**16  # with its comment
DIRECTORY_BYTES_A_NAME: Final = 400  # generous: 46 and the name
LONGEST_NAME: Final = 255
LONGEST_SHOWN: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that is taken: files and unpacked bytes of an archive, bytes and pixels of an image."""

    entries: int
    archive_bytes: int
    image_bytes: int
    pixels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What an archive holds: the places of the files to be tried, and those that are refused unread."""

    accepted: tuple[int, ...]
    refused: tuple[Refused, ...]


@contextmanager
def opened(file: IO[bytes], limits: Limits) -> Iterator[zipfile.ZipFile]:
    """Open an archive for reading.

    Raises:
        BadArchive: "not_a_zip", or "archive_too_large".

    """
    _check_directory(file, limits)
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise BadArchive("not_a_zip", _("The file is no ZIP archive that can be read; make it anew.")) from error
    with archive:
        yield archive


def _check_directory(file: IO[bytes], limits: Limits) -> None:
    file.seek(0, 2)
    file.seek(max(0, file.tell() - LONGEST_END))
    tail = file.read(LONGEST_END)
    at = tail.rfind(END)
    if at < 0 or len(tail) < at + 16:
        raise BadArchive("not_a_zip", _("The file is no ZIP archive; put the images into one and upload that."))
    (size,) = struct.unpack_from("<I", tail, at + 12)
    if size > limits.entries * DIRECTORY_BYTES_A_NAME:
        text = _("The archive names more than {most} files; divide it.")
        raise BadArchive("archive_too_large", fill(text, most=limits.entries))
    file.seek(0)


def contents(archive: zipfile.ZipFile, limits: Limits) -> Contents:
    """Say which entries are worth reading, by what the archive says about them.

    Raises:
        BadArchive: "archive_too_large".

    """
    entries = archive.infolist()
    if len(entries) > limits.entries:
        text = _("The archive has {count} files; {most} are allowed: divide it.")
        raise BadArchive("archive_too_large", fill(text, count=len(entries), most=limits.entries))
    whole = sum(entry.file_size for entry in entries)
    if whole > limits.archive_bytes:
        text = _("The archive unpacks to {size} bytes; {most} are allowed: divide it.")
        raise BadArchive("archive_too_large", fill(text, size=whole, most=limits.archive_bytes))
    return _sorted_out(entries, limits)


def _sorted_out(entries: list[zipfile.ZipInfo], limits: Limits) -> Contents:
    accepted: list[int] = []
    refused: list[Refused] = []
    seen: set[str] = set()
    for place, entry in enumerate(entries):
        if entry.is_dir():
            continue
        reason = _reason_against(entry, seen, limits)
        if reason:
            refused.append(Refused(name=shown(entry.filename), reason=reason))
        else:
            accepted.append(place)
        seen.add(_folded(entry.filename))
    return Contents(accepted=tuple(accepted), refused=tuple(refused))


def _reason_against(entry: zipfile.ZipInfo, seen: set[str], limits: Limits) -> str:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    if (
        not path.parts
        or path.is_absolute()
        or ".." in path.parts
        or ":" in path.parts[0]
        or len(str(path)) > LONGEST_NAME
    ):
        return _("its name leads out of the archive, or is too long")
    if stat.S_ISLNK(entry.external_attr >> 16):
        return _("it is a link, not a file")
    if entry.flag_bits & 1:
        return _("it is encrypted")
    if _folded(entry.filename) in seen:
        return _("another file of the archive has the same name")
    if entry.file_size > limits.image_bytes:
        text = _("it unpacks to {size} bytes; {most} are allowed")
        return fill(text, size=entry.file_size, most=limits.image_bytes)
    return ""


def _folded(name: str) -> str:
    """Names that would be the same file on some systems."""
    return str(PurePosixPath(name.replace("\\", "/"))).casefold()


def shown(name: str) -> str:
    """A name as it may stand in a log and a report."""
    clean = "".join(c if c.isprintable() else "�" for c in name)
    return clean if len(clean) <= LONGEST_SHOWN else f"{clean[: LONGEST_SHOWN - 1]}…"


def read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limits: Limits) -> bytes:
    """Unpack one entry.

    Raises:
        BadPicture: it is damaged, or larger than it says.

    """
    try:
        with archive.open(entry) as file:
            data = file.read(limits.image_bytes + 1)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise BadPicture(_("it is damaged in the archive")) from error
    if len(data) > limits.image_bytes:
        raise BadPicture(fill(_("it unpacks to more than {most} bytes"), most=limits.image_bytes))
    return data
