"""How much, in figures for people."""

import pytest

from progress_app.amounts import Amount, amount


@pytest.mark.parametrize(
    ("current", "total", "unit", "told"),
    [
        (6_430_720, 17_814_834, "bytes", (6.1, 17.0, "MB")),
        (0, 2_000_000_000, "bytes", (0.0, 1.9, "GB")),
        (1_500, None, "bytes", (1.5, None, "KB")),
        (999, 999, "bytes", (999, 999, "bytes")),
        (6_430_720, 17_814_834, "rows", (6_430_720, 17_814_834, "rows")),
        (5, None, "", (5, None, "")),
    ],
)
def test_bytes_are_told_in_the_unit_that_suits(
    current: float, total: float | None, unit: str, told: tuple[float, float | None, str]
) -> None:
    shown, of, name = told
    assert amount(current, total, unit) == Amount(current=shown, total=of, unit=name)
