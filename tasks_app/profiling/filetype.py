"""What a file is when it is not delimited text: told by its first bytes."""

import re

from tasks_app.profiling.fault import BadFile

# first bytes, what they are the mark of, what to do about it
SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "an Excel workbook or a ZIP archive", "Save the sheet as CSV, or unpack the archive."),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "Open it and save the sheet as CSV."),
    (b"\x1f\x8b", "compressed with gzip", "Unpack it first."),
    (b"BZh", "compressed with bzip2", "Unpack it first."),
    (b"\xfd7zXZ", "compressed with xz", "Unpack it first."),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "Unpack it first."),
    (b"%PDF", "a PDF document", "Export its table as CSV."),
    (b"\x89PNG", "a PNG image", "Choose a CSV file."),
    (b"\xff\xd8\xff", "a JPEG image", "Choose a CSV file."),
    (b"GIF8", "a GIF image", "Choose a CSV file."),
    (b"PAR1", "a Parquet file", "Export it as CSV."),
    (b"SQLite format 3\x00", "an SQLite database", "Export a table as CSV."),
    (b"\x7fELF", "a program", "Choose a CSV file."),
    (b"{\\rtf", "an RTF document", "Export its table as CSV."),
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
            raise BadFile("not_csv", f"The file is {kind}, not CSV. {remedy}")
    if MARKUP.match(sample):
        raise BadFile("not_csv", "The file is an HTML or XML document, not CSV. Export its table as CSV.")
    if JSON_TEXT.match(sample):
        raise BadFile("not_csv", "The file is JSON, not CSV. Convert it to CSV first.")


def refuse_binary(sample: bytes) -> None:
    """Raise when single-byte text would not hold so many control bytes.

    Raises:
        BadFile: "binary_file".
    """
    control = len(sample) - len(sample.translate(None, CONTROL_BYTES + b"\0"))
    if control > len(sample) * CONTROL_SHARE:
        raise BadFile(
            "binary_file",
            f"The file is binary, not text: {control:,} of its first {len(sample):,} bytes are control "
            "bytes. Choose a CSV file.",
        )
