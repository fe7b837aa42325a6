"""A chart of the last hours as a small picture: where each bar stands, for a template that draws it as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tasks_app.dashboard import Hour, Pace

HEIGHT: Final = 72
STEP: Final = 10
BAR_WIDTH: Final = 8
LEAST_HEIGHT: Final = 2  # what is not nothing is seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One hour, in the picture's units: the whole bar, and the part of it that stands out from the foot up."""

    x: int
    y: float
    height: float
    part_y: float
    part_height: float
    ago: int
    whole: float
    part: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Bars, oldest first; the highest has the full height."""

    bars: tuple[Bar, ...]
    highest: float

    @property
    def width(self) -> int:
        """The picture's width in its units."""
        return len(self.bars) * STEP


def ended(hours: Sequence[Hour]) -> Chart:
    """What ended in each hour; what failed stands out."""
    return _chart([(hour.ended, hour.bad) for hour in hours])


def seconds(pace: Pace) -> Chart:
    """The 95th percentile of each hour in seconds; the median stands out."""
    return _chart([(times.p95 or 0, times.p50 or 0) for times in pace.hours])


def _chart(values: Sequence[tuple[float, float]]) -> Chart:
    highest = max((whole for whole, _ in values), default=0)
    bars = tuple(_bar(place, len(values), pair, highest) for place, pair in enumerate(values))
    return Chart(bars=bars, highest=highest)


def _bar(place: int, places: int, pair: tuple[float, float], highest: float) -> Bar:
    height, part = (_height(value, highest) for value in pair)
    return Bar(
        x=place * STEP, y=HEIGHT - height, height=height, part_y=HEIGHT - part, part_height=part,
        ago=places - 1 - place, whole=pair[0], part=pair[1],
    )  # fmt: skip


def _height(value: float, highest: float) -> float:
    return round(max(LEAST_HEIGHT, HEIGHT * value / highest), 1) if value > 0 else 0
