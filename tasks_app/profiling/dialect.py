"""Dialect: the delimiter and quote character of a file, by clevercsv or as the user says."""

from dataclasses import dataclass

import clevercsv
from django.utils.translation import gettext_noop

DELIMITERS = (",", ";", "\t", "|")  # what may be detected; others (a space, ^) only by the user's choice
SAMPLE_CHARACTERS = 16 * 1024  # clevercsv's time grows with the sample: about 30 ms for this much
DELIMITER_NAMES = {
    ",": gettext_noop("comma"),
    ";": gettext_noop("semicolon"),
    "\t": gettext_noop("tab"),
    "|": gettext_noop("pipe"),
    " ": gettext_noop("space"),
    "^": gettext_noop("caret"),
}
NO_QUOTES = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a row is cut into cells; `quote` is empty where no character quotes."""

    delimiter: str = ","
    quote: str = '"'

    @property
    def delimiter_name(self) -> str:
        """Return the delimiter as a word: a tab is not to be seen."""
        return DELIMITER_NAMES.get(self.delimiter, self.delimiter)


def settle_dialect(sample: str, delimiter: str = "", quote: str = "") -> Dialect:
    """Return the dialect of a text, asking clevercsv only for what the user left open.

    Args:
        sample: the beginning of the text.
        delimiter: one character; empty to detect it. A file of one column has none, and gets a comma.
        quote: one character, "none" for files in which quotes are text, or empty to detect it.
    """
    found = None
    if not (delimiter and quote):
        found = clevercsv.Detector().detect(
            _whole_lines(sample), delimiters=[delimiter] if delimiter else list(DELIMITERS)
        )
    found_delimiter, found_quote = (found.delimiter, found.quotechar) if found else ("", "")
    return Dialect(
        delimiter=delimiter or found_delimiter or ",",
        # a sample without quotes says nothing about the rest of the file: the standard's quote stays
        quote="" if quote == NO_QUOTES else quote or found_quote or '"',
    )


def _whole_lines(sample: str) -> str:
    """Cut the sample to a bounded number of whole lines; a half row would mislead the detection."""
    if len(sample) <= SAMPLE_CHARACTERS:
        return sample
    cut = sample[:SAMPLE_CHARACTERS]
    return cut[: cut.rfind("\n") + 1] or cut
