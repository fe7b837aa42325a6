"""The same figures by other means: csv, Counter, sqlite3 and statistics, and nothing of tasks_app."""

import csv
import sqlite3
import statistics
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

TOP = 10


def by_counter(cells: list[str], number: Callable[[str], float] | None) -> dict[str, Any]:
    """Figures of one column; `number` reads a cell of a numeric column."""
    filled = [cell for cell in cells if cell.strip()]
    counted = Counter(filled)
    figures: dict[str, Any] = {
        "count": len(filled),
        "empty": len(cells) - len(filled),
        "distinct": len(counted),
        "top": sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:TOP],
    }
    if number and filled:
        figures |= of_numbers([number(cell) for cell in filled])
    elif filled:
        lengths = [len(cell) for cell in filled]
        figures["length"] = (min(lengths), statistics.fmean(lengths), max(lengths))
    return figures


def of_numbers(values: list[float]) -> dict[str, Any]:
    """Extremes, mean and quartiles; "inclusive" is the linear interpolation between ranks."""
    quartiles = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return {
        "min": min(values),
        "max": max(values),
        "mean": float(statistics.mean(values)),
        "quartiles": quartiles,
    }


class SqliteFigures:
    """Figures of a whole file by SQL: for files that are too big for lists."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(":memory:")
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.reader(file)
            self.names = next(reader)
            columns = ", ".join(f"c{number} TEXT" for number in range(len(self.names)))
            self._db.execute(f"CREATE TABLE t ({columns})")
            places = ", ".join("?" * len(self.names))
            self._db.executemany(f"INSERT INTO t VALUES ({places})", reader)  # noqa: S608 (numbers and marks)

    def close(self) -> None:
        self._db.close()

    def column(self, name: str, number: Callable[[str], float] | None, *, is_text: bool) -> dict[str, Any]:
        """Figures of one column, named as by_counter names them."""
        cell = f"c{self.names.index(name)}"
        count, distinct, rows = self._one(f"COUNT(NULLIF({cell}, '')), COUNT(DISTINCT NULLIF({cell}, '')), COUNT(*)")
        top = self._db.execute(
            f"SELECT {cell}, COUNT(*) n FROM t WHERE {cell} <> '' GROUP BY 1 ORDER BY n DESC, 1 LIMIT {TOP}"  # noqa: S608
        ).fetchall()
        figures: dict[str, Any] = {"count": count, "empty": rows - count, "distinct": distinct, "top": top}
        if number:
            figures |= of_numbers([number(text) for text in self._texts(cell)])
        if is_text:
            figures["length"] = self._one(f"MIN(LENGTH({cell})), AVG(LENGTH({cell})), MAX(LENGTH({cell}))", cell)
        return figures

    def _texts(self, cell: str) -> Iterable[str]:
        return (text for (text,) in self._db.execute(f"SELECT {cell} FROM t WHERE {cell} <> ''"))  # noqa: S608

    def _one(self, what: str, filled: str = "'x'") -> tuple[Any, ...]:
        row: tuple[Any, ...] = self._db.execute(f"SELECT {what} FROM t WHERE {filled} <> ''").fetchone()  # noqa: S608
        return row


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """Name the figures in which a column of our JSON report differs from independent ones."""
    told = {
        "count": ours["count"],
        "empty": ours["empty"],
        "distinct": ours["distinct"],
        "top": [(value["value"], value["count"]) for value in ours["top"]],
        "min": ours["min"],
        "max": ours["max"],
        "mean": ours["mean"],
        "quartiles": list(ours["quartiles"].values()) if ours["quartiles"] else None,
        "length": tuple(ours["length"].values()) if ours["length"] else None,
    }
    scale = max(abs(float(ours[name] or 0)) for name in ("min", "max")) if theirs.get("quartiles") else 0.0
    return [
        f"{name}: {told[name]} is not {value}" for name, value in theirs.items() if not _equal(told[name], value, scale)
    ]


def _equal(ours: Any, theirs: Any, scale: float) -> bool:
    """Compare doubles to twelve digits of the larger or of the scale: two ways of interpolating round apart."""
    if isinstance(theirs, list | tuple) and isinstance(ours, list | tuple):
        return len(ours) == len(theirs) and all(_equal(*pair, scale) for pair in zip(ours, theirs, strict=True))
    if isinstance(theirs, float) and isinstance(ours, int | float):
        return abs(ours - theirs) <= 1e-12 * max(abs(ours), abs(theirs), scale)
    return bool(ours == theirs)
