"""Export tasks: the rows of the task list as a CSV or JSON file."""

import csv
import json
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from tasks_app.chores._selection import SelectionForm, asked_by, selected, unit
from tasks_app.registry import ANYBODY, job

if TYPE_CHECKING:
    from progress_app.reporter import Reporter

COLUMNS: Final = (
    "id", "job", "state", "owner__username", "attempt", "percent", "error_code", "error_text", "created_at",
    "started_at", "finished_at", "worker",
)  # fmt: skip
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
    tasks = selected(asked_by(progress.task), ids, search, scope).values(*COLUMNS)
    count = tasks.count()
    rows = progress.track(tasks.iterator(ROWS_A_READ), total=count, unit=unit(count))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"tasks.{kind}"
        with path.open("w", encoding="utf-8", newline="") as file:
            count = (_write_csv if kind == "csv" else _write_json)(file, rows)
        progress.attach(path, path.name)
    return {"tasks": count, "search": search or None}


def _write_csv(file: IO[str], rows: Iterable[dict[str, Any]]) -> int:
    table = csv.writer(file)
    table.writerow(_names())
    count = 0
    for row in rows:
        table.writerow([_cell(row[column]) for column in COLUMNS])
        count += 1
    return count


def _write_json(file: IO[str], rows: Iterable[dict[str, Any]]) -> int:
    """One row a line, so that neither writer nor reader needs all of them at once."""
    count = 0
    for row in rows:
        file.write("[\n" if count == 0 else ",\n")
        json.dump(dict(zip(_names(), map(_plain, row.values()), strict=True)), file, ensure_ascii=False)
        count += 1
    file.write("\n]\n" if count else "[]\n")
    return count


def _names() -> Iterator[str]:
    return (column.removesuffix("__username") for column in COLUMNS)


def _cell(value: Any) -> Any:
    """A value that no spreadsheet takes for a formula."""
    plain = _plain(value)
    return f"'{plain}" if isinstance(plain, str) and plain.startswith(FORMULA) else plain


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, int | float | str):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
