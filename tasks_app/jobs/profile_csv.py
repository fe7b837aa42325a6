"""Profile a CSV file: what is in each column, as a report to read and as JSON.

The machinery is tasks_app.profiling; this file is the job as a developer reads it: the form, the three
stages, and how a bad file is told.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from django import forms
from django.template.loader import render_to_string
from django.utils.text import slugify
from django.utils.translation import gettext, gettext_noop, ngettext
from django.utils.translation import gettext_lazy as _

from progress_app.words import also, fill, said
from tasks_app.profiling.dialect import NO_QUOTES
from tasks_app.profiling.fault import BadFile
from tasks_app.profiling.layout import Layout, settle_layout
from tasks_app.profiling.report import About, to_context, to_json
from tasks_app.profiling.rows import EXAMPLES, Rows
from tasks_app.profiling.spill import Spill
from tasks_app.profiling.table import Table
from tasks_app.registry import JobError, job

if TYPE_CHECKING:
    from django.core.files.base import File

    from progress_app.reporter import Reporter

STAGES = {
    gettext_noop("Read"): 6,
    gettext_noop("Profile"): 4,
    gettext_noop("Report"): 0.2,
}  # weights: about the seconds of a million rows
FINDING, WRITING = gettext_noop("Finding the texts of frequent values"), gettext_noop("Writing the report")
also([FINDING, WRITING])

DELIMITERS = [
    ("", _("Detect it")),
    (",", _("Comma ,")),
    (";", _("Semicolon ;")),
    ("\t", _("Tab")),
    ("|", _("Pipe |")),
    (" ", _("Space")),
    ("^", _("Caret ^")),
]
ENCODINGS = [
    ("", _("Detect it")),
    ("utf-8", "UTF-8"),
    ("utf-16", "UTF-16"),
    ("cp1252", _("Western European (Windows-1252)")),
    ("iso8859-15", _("Western European (ISO 8859-15)")),
    ("cp1250", _("Central European (Windows-1250)")),
    ("cp1251", _("Cyrillic (Windows-1251)")),
    ("koi8-r", _("Cyrillic (KOI8-R)")),
    ("cp1253", _("Greek (Windows-1253)")),
    ("cp1254", _("Turkish (Windows-1254)")),
    ("cp932", _("Japanese (Shift JIS)")),
    ("euc_jp", _("Japanese (EUC-JP)")),
    ("gb18030", _("Simplified Chinese (GB 18030)")),
    ("big5", _("Traditional Chinese (Big5)")),
    ("cp949", _("Korean (EUC-KR)")),
    ("mac_roman", "Mac Roman"),
]
QUOTES = [("", _("Detect it")), ('"', _('Double quote "')), ("'", _("Single quote '")), (NO_QUOTES, _("None"))]


class ProfileCsvForm(forms.Form):
    """The file, and what the user knows better than the detection."""

    upload = forms.FileField(label=_("CSV or TSV file"), allow_empty_file=True)
    delimiter = forms.ChoiceField(
        choices=DELIMITERS, required=False, label=_("Delimiter"), help_text=_("What stands between two cells of a row.")
    )
    encoding = forms.ChoiceField(
        choices=ENCODINGS,
        required=False,
        label=_("Encoding"),
        help_text=_("How the file's bytes are to be read as text."),
    )
    quote = forms.ChoiceField(
        choices=QUOTES,
        required=False,
        label=_("Quote character"),
        help_text=_("What surrounds a cell that holds the delimiter or a line break."),
    )
    header = forms.ChoiceField(
        choices=[("yes", _("names the columns")), ("no", _("is data"))],
        required=False,
        initial="yes",
        label=_("The first row"),
    )

    def clean_header(self) -> str:
        """A form sent without the field means the usual: the first row names the columns."""
        return self.cleaned_data["header"] or "yes"


@job(
    title=_("Profile a CSV file"),
    description=_(
        "Types, ranges and frequent values of every column, histograms of numbers and dates, as HTML and JSON."
    ),
    form=ProfileCsvForm,
    stages=list(STAGES),
    results={
        "rows": _("Rows"),
        "columns": _("Columns"),
        "delimiter": _("Delimiter"),
        "encoding": _("Encoding"),
        "warnings": _("Warnings"),
    },
)
def profile_csv(
    progress: "Reporter",
    *,
    upload: "File[bytes]",
    delimiter: str = "",
    encoding: str = "",
    quote: str = "",
    header: str = "yes",
) -> dict[str, Any]:
    """Profile every column of the file and attach the report as HTML and as JSON.

    Raises:
        JobError: the file cannot be profiled; nothing is attached then.
    """
    opener = partial(upload.open, "rb")
    progress.plan(STAGES)
    with _told_to_the_user(), Spill() as spill:
        # Before the first stage: of a file that cannot be read nothing is done.
        layout = settle_layout(opener, delimiter=delimiter, encoding=encoding, quote=quote, has_header=header != "no")
        _log_layout(progress, layout)
        with progress.stage("Read", total=upload.size, unit="bytes"):
            table = Table(opener, layout, spill)
            for step in table.read():
                progress.update(current=step.bytes_read, message=fill(gettext("{count} rows read"), count=step.rows))
        warnings = _warnings(layout, table.rows)
        for warning in warnings:
            progress.log(warning, level="warning")
        with progress.stage("Profile", unit="cells"):
            _profile(progress, table)
        with progress.stage("Report", total=2, unit="files"):
            _attach(progress, upload, table, layout, warnings)
    return {
        "rows": table.rows.rows,
        "columns": len(table.summaries),
        "delimiter": said(layout.dialect.delimiter_name),
        "encoding": layout.encoding.codec,
        "warnings": warnings,
    }


def _profile(progress: "Reporter", table: Table) -> None:
    """Take the figures column by column; where texts are to be found, go through the rows once more."""
    rows, width = table.rows.rows, table.width
    passes = 2 if table.has_spilled else 1
    progress.update(current=0, total=rows * width)
    for summary in table.summarise():
        progress.update(message=fill(gettext("Figures of {column}"), column=summary.name))
        progress.advance(rows / passes)
    if table.has_spilled:
        progress.update(message=FINDING)
        for step in table.seek():
            progress.update(current=(rows + step.rows) * width / passes)


def _attach(progress: "Reporter", upload: "File[bytes]", table: Table, layout: Layout, warnings: list[str]) -> None:
    """Make both files before the first is attached: a fault leaves none behind."""
    name = PurePath(upload.name or "upload").name
    about = About(
        name=name,
        bytes=upload.size,
        rows=table.rows.rows,
        delimiter=layout.dialect.delimiter_name,
        encoding=layout.encoding.codec,
        has_header=layout.has_header,
        warnings=tuple(warnings),
        made_at=datetime.now(UTC),
    )
    progress.update(message=WRITING)
    page = render_to_string("jobs/profile_csv/report.html", to_context(about, table.summaries)).encode()
    figures = to_json(about, table.summaries)
    stem = slugify(PurePath(name).stem)[:60] or "upload"
    for data, suffix in ((page, "html"), (figures, "json")):
        progress.attach(io.BytesIO(data), f"{stem}-profile.{suffix}")
        progress.advance(1)


def _log_layout(progress: "Reporter", layout: Layout) -> None:
    quote = layout.dialect.quote
    quoted = gettext("quoted by {quote}").format(quote=quote) if quote else gettext("not quoted")
    told = gettext("Reading as {encoding}, cells separated by {delimiter}, {quoted}.")
    delimiter = said(layout.dialect.delimiter_name)
    progress.log(told.format(encoding=layout.encoding.codec, delimiter=delimiter, quoted=quoted))


def _warnings(layout: Layout, rows: Rows) -> list[str]:
    """Say in one sentence each what a reader of the figures must know."""
    found = []
    if layout.encoding.guessed:
        text = gettext("The encoding {encoding} is a guess; choose it in the form if letters look wrong.")
        found.append(text.format(encoding=layout.encoding.codec))
    found += _few(rows.name_changes)
    if rows.short_rows or rows.long_rows:
        text = gettext(
            "Ragged rows: {short} too short (filled with empty cells) and {long} too "
            "long (their cells got columns of their own); the first in line {lines}."
        )
        lines = ", ".join(fill("{line}", line=line) for line in rows.ragged_lines)
        found.append(fill(text, short=rows.short_rows, long=rows.long_rows, lines=lines))
    if rows.blank_lines:
        found.append(_blank(rows.blank_lines))
    return found


def _blank(lines: int) -> str:
    return fill(ngettext("{count} blank line was skipped.", "{count} blank lines were skipped.", lines), count=lines)


def _few(changes: list[str]) -> list[str]:
    more = len(changes) - EXAMPLES
    rest = fill(gettext("{count} more columns were given names."), count=more)
    return changes if more <= 0 else [*changes[:EXAMPLES], rest]


@contextmanager
def _told_to_the_user() -> Iterator[None]:
    """Turn what is wrong with the file into the job's own error."""
    try:
        yield
    except BadFile as fault:
        raise JobError(fault.code, str(fault)) from fault
