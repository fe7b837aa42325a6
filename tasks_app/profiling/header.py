"""Header: names for columns, each one unique."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

NAME_LIMIT = 200  # characters of a column's name; more is cut


def unique_names(cells: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return one name a cell, unique and never empty, and what had to be changed in words.

    An empty name becomes "column_<n>" (from 1), a second "price" becomes "price_2".
    """
    names: list[str] = []
    changes: list[str] = []
    taken = {_clean(cell) for cell in cells}
    seen: set[str] = set()
    for number, cell in enumerate(cells, start=1):
        name = _clean(cell)
        if not name:
            name = _free(f"column_{number}", taken, first=True)
            changes.append(_("Column {number} has no name: called {name}.").format(number=number, name=name))
        elif name in seen:
            old, name = name, _free(name, taken)
            text = _("Column {number} repeats the name {old}: called {name}.")
            changes.append(text.format(number=number, old=old, name=name))
        seen.add(name)
        taken.add(name)
        names.append(name)
    return names, changes


def numbered_name(number: int, taken: Sequence[str]) -> str:
    """Return a name for a column that has none; `number` counts from 1."""
    return _free(f"column_{number}", set(taken), first=True)


def _clean(cell: str) -> str:
    return " ".join(cell.split())[:NAME_LIMIT]


def _free(name: str, taken: set[str], *, first: bool = False) -> str:
    if first and name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"
