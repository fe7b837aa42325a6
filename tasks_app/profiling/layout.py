"""Layout: how to read an upload as rows, settled once before the first row is read."""

import io
from dataclasses import dataclass

from django.utils.translation import gettext as _

from tasks_app.profiling.dialect import Dialect, settle_dialect
from tasks_app.profiling.encoding import SAMPLE_BYTES, Encoding, settle_encoding
from tasks_app.profiling.fault import BadFile
from tasks_app.profiling.filetype import refuse_other_types
from tasks_app.profiling.source import Opener


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Encoding, dialect and whether the first row names the columns."""

    encoding: Encoding
    dialect: Dialect
    has_header: bool = True


def settle_layout(
    opener: Opener, *, delimiter: str = "", encoding: str = "", quote: str = "", has_header: bool = True
) -> Layout:
    """Look at the file and return its layout; what the user chose is taken as it is.

    Raises:
        BadFile: "empty_file", "not_csv", "binary_file", "nul_byte", "wrong_encoding", "unknown_encoding".
    """
    with opener() as file:
        sample = file.read(SAMPLE_BYTES)
    if not sample.strip():
        raise BadFile("empty_file", _("The file is empty: it has no bytes but white space. Choose another."))
    refuse_other_types(sample)
    settled = settle_encoding(opener, sample, encoding)
    # errors="ignore": the sample may end within a character; the whole file was read without a flaw
    text = io.TextIOWrapper(io.BytesIO(sample), settled.codec, errors="ignore", newline="").read()
    if not text.strip("\ufeff\r\n\t "):
        raise BadFile("empty_file", _("The file is empty: it has no text but white space. Choose another."))
    return Layout(encoding=settled, dialect=settle_dialect(text, delimiter, quote), has_header=has_header)
