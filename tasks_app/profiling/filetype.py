"""What a file is when it is not delimited text: told by its first bytes."""

import re

from django.utils.translation import gettext, gettext_noop

from progress_app.words import fill
from tasks_app.profiling.fault import BadFile

# first bytes, what they are the mark of, what to do about it
SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (
        b"PK\x03\x04",
        gettext_noop("an Excel workbook or a ZIP archive"),
        gettext_noop("Save the sheet as CSV, or unpack the archive."),
    ),
    (b"\xd0\xcf\x11\xe0", gettext_noop("an old Excel workbook"), gettext_noop("Open it and save the sheet as CSV.")),
    (b"\x1f\x8b", gettext_noop("compressed with gzip"), gettext_noop("Unpack it first.")),
    (b"BZh", gettext_noop("compressed with bzip2"), gettext_noop("Unpack it first.")),
    (b"\xfd7zXZ", gettext_noop("compressed with xz"), gettext_noop("Unpack it first.")),
    (b"\x28\xb5\x2f\xfd", gettext_noop("compressed with zstd"), gettext_noop("Unpack it first.")),
    (b"%PDF", gettext_noop("a PDF document"), gettext_noop("Export its table as CSV.")),
    (b"\x89PNG", gettext_noop("a PNG image"), gettext_noop("Choose a CSV file.")),
    (b"\xff\xd8\xff", gettext_noop("a JPEG image"), gettext_noop("Choose a CSV file.")),
    (b"GIF8", gettext_noop("a GIF image"), gettext_noop("Choose a CSV file.")),
    (b"PAR1", gettext_noop("a Parquet file"), gettext_noop("Export it as CSV.")),
    (b"SQLite format 3\x00", gettext_noop("an SQLite database"), gettext_noop("Export a table as CSV.")),
    (b"\x7fELF", gettext_noop("a program"), gettext_noop("Choose a CSV file.")),
    (b"{\\rtf", gettext_noop("an RTF document"), gettext_noop("Export its table as CSV.")),
)
MARKUP = re.compile(rb"\s*(<!doctype|<html|<\?xml|<svg)", re.IGNORECASE)
JSON_TEXT = re.compile(rb'\s*(\{\s*["}]|\[\s*[{\["\]])')

CONTROL_BYTES = bytes(set(range(1, 32)) - set(b"\t\n\v\f\r\x1b\x1c\x1d\x1e\x1f"))
CONTROL_SHARE = 0.02  # more control bytes than this in the sample: no text


def refuse_other_types(sample: bytes) -> None:
    """Raise when the first bytes are those of another kind of file.

    Raises:
        BadFile: "not_csv", naming the kind and the remedy.
    """
    for mark, kind, remedy in SIGNATURES:
        if sample.startswith(mark):
            text = gettext("The file is {kind}, not CSV. {remedy}")
            raise BadFile("not_csv", text.format(kind=gettext(kind), remedy=gettext(remedy)))
    if MARKUP.match(sample):
        raise BadFile("not_csv", gettext("The file is an HTML or XML document, not CSV. Export its table as CSV."))
    if JSON_TEXT.match(sample):
        raise BadFile("not_csv", gettext("The file is JSON, not CSV. Convert it to CSV first."))


def refuse_binary(sample: bytes) -> None:
    """Raise when single-byte text would not hold so many control bytes.

    Raises:
        BadFile: "binary_file".
    """
    control = len(sample) - len(sample.translate(None, CONTROL_BYTES + b"\0"))
    if control > len(sample) * CONTROL_SHARE:
        text = gettext(
            "The file is binary, not text: {control} of its first {all} bytes are control bytes. Choose a CSV file."
        )
        raise BadFile("binary_file", fill(text, control=control, all=len(sample)))
