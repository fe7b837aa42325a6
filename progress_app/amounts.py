"""How much, in figures for people: what wording.js says of counts in the browser. Pure."""

from dataclasses import dataclass
from typing import Final

BYTES: Final = "bytes"
SIZES: Final = ((2**30, "GB"), (2**20, "MB"), (2**10, "KB"))  # as Django's filesizeformat tells a file's size


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """So much of so much; `total` None: that is unknown."""

    current: float
    total: float | None
    unit: str


def amount(current: float, total: float | None, unit: str) -> Amount:
    """Bytes in the unit that suits the larger figure ("6.1 of 17.0 MB"); anything else as it is."""
    largest = max(current, total or 0)
    for size, name in SIZES if unit == BYTES else ():
        if largest >= size:
            scaled = None if total is None else round(total / size, 1)
            return Amount(current=round(current / size, 1), total=scaled, unit=name)
    return Amount(current=current, total=total, unit=unit)
