"""A file as people have it: ten columns, some with a different value in every row."""

import csv
import random
from collections.abc import Callable
from pathlib import Path

NUMERIC: dict[str, Callable[[str], float]] = {"id": int, "price": float, "amount": float, "quantity": int}
TEXTS = frozenset({"key", "city", "note", "code"})


def write_file(path: Path, rows: int) -> None:
    """Write a CSV file with a header; the same file for the same number of rows."""
    draw = random.Random(7)  # noqa: S311 (made-up data)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "key", "price", "amount", "city", "when", "paid", "note", "code", "quantity"])
        writer.writerows(_row(draw, number) for number in range(rows))


def _row(draw: random.Random, number: int) -> list[object]:
    when = f"2024-{draw.randint(1, 12):02}-{draw.randint(1, 28):02} {draw.randint(0, 23):02}:{draw.randint(0, 59):02}"
    return [
        number,
        f"{draw.getrandbits(96):024x}",
        f"{draw.expovariate(0.01):.2f}",
        repr(draw.gauss(0, 1e3)),
        f"Città {draw.randrange(500)}",
        when,
        draw.choice(["true", "false"]),
        "" if draw.random() < 0.3 else f"note {draw.randrange(50_000)}, kept",
        f"{draw.randrange(100_000):05}",
        draw.randrange(1, 100_000),
    ]
