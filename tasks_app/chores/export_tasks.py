"""Export tasks: the rows of the task list as a CSV or JSON file."""

import csv
import json
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from progress_app.words import as_written
from tasks_app import attachments
from tasks_app.chores._selection import SelectionForm, asked_by, selected, unit
from tasks_app.registry import ANYBODY, find, job

if TYPE_CHECKING:
    from progress_app.reporter import Reporter

# As they stand in the file, each with the field that it comes from; none: the files that were given.
COLUMNS: Final = {
    "id": "id", "job": "job", "title": "own_title", "files": None, "state": "state", "owner": "owner__username",
    "attempt": "attempt", "percent": "percent", "error_code": "error_code", "error_text": "error_text",
    "created_at": "created_at", "started_at": "started_at", "finished_at": "finished_at", "worker": "worker",
}  # fmt: skip
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run what begins so
ROWS_A_READ: Final = 2_000


class ExportTasksForm(SelectionForm):
    """Which tasks, and as what."""

    field_order = ("kind", "search", "scope", "ids")
    kind = forms.ChoiceField(label=_("Format"), choices=[("csv", "CSV"), ("json", "JSON")], initial="csv")


@job(
    title=_("Export tasks"),
    description=_("Writes the tasks of a search into a CSV or JSON file."),
    form=ExportTasksForm,
    permission=ANYBODY,
    results={"tasks": _("Tasks"), "search": _("Search")},
)
def export_tasks(progress: "Reporter", *, kind: str, ids: list[UUID], search: str, scope: str) -> dict[str, Any]:
    """Write every task that is meant and that who started this may see, newest first."""
    tasks = selected(asked_by(progress.task), ids, search, scope).values(*filter(None, COLUMNS.values()))
    count = tasks.count()
    rows = progress.track(_named(tasks.iterator(ROWS_A_READ)), total=count, unit=unit(count))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"tasks.{kind}"
        with path.open("w", encoding="utf-8", newline="") as file:
            count = (_write_csv if kind == "csv" else _write_json)(file, rows)
        progress.attach(path, path.name)
    return {"tasks": count, "search": search or None}


def _named(found: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Rows by their columns, with what people know a task by: its job's title, as it is written, and its files."""
    while some := list(islice(found, ROWS_A_READ)):
        names = attachments.names_given(row["id"] for row in some)
        for row in some:
            shown = {column: row[field] if field else names[row["id"]] for column, field in COLUMNS.items()}
            known = find(row["job"])
            yield shown | {"title": row["own_title"] or (as_written(known.title) if known else row["job"])}


def _write_csv(file: IO[str], rows: Iterable[dict[str, Any]]) -> int:
    table = csv.writer(file)
    table.writerow(COLUMNS)
    count = 0
    for row in rows:
        table.writerow(map(_cell, row.values()))
        count += 1
    return count


def _write_json(file: IO[str], rows: Iterable[dict[str, Any]]) -> int:
    """One row a line, so that neither writer nor reader needs all of them at once."""
    count = 0
    for row in rows:
        file.write("[\n" if count == 0 else ",\n")
        json.dump(row, file, ensure_ascii=False, default=_plain)
        count += 1
    file.write("\n]\n" if count else "[]\n")
    return count


def _cell(value: Any) -> Any:
    """A value that no spreadsheet takes for a formula."""
    plain = "; ".join(value) if isinstance(value, list) else _plain(value)
    return f"'{plain}" if isinstance(plain, str) and plain.startswith(FORMULA) else plain


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, int | float | str):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
