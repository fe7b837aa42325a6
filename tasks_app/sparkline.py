"""The last runs as a small picture: where each bar stands, for a template that draws it as SVG."""

from dataclasses import dataclass
from typing import Any, Final

from tasks_app.history import MOST_RUNS, History, Run, history

HEIGHT: Final = 32
BAR_WIDTH: Final = 7
STEP: Final = BAR_WIDTH + 1
WIDTH: Final = MOST_RUNS * STEP - 1
LEAST_HEIGHT: Final = 3  # a run that took no time is seen too


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One run: its place and height in the picture's units."""

    run: Run
    x: int
    y: float
    height: float


def lately(job: str) -> dict[str, Any]:
    """The last runs of a job and their picture, as `_history.html` takes them."""
    runs = history(job)
    return {"history": runs, "bars": bars(runs)}


def bars(shown: History) -> list[Bar]:
    """A bar a run, oldest first, ending at the right edge; the longest run has the full height."""
    longest_s = max((run.duration_s or 0 for run in shown.runs), default=0)
    first = MOST_RUNS - len(shown.runs)
    return [_bar(run, first + index, longest_s) for index, run in enumerate(shown.runs)]


def _bar(run: Run, place: int, longest_s: float) -> Bar:
    share = (run.duration_s or 0) / longest_s if longest_s else 0
    height = round(max(LEAST_HEIGHT, share * HEIGHT), 1)
    return Bar(run=run, x=place * STEP, y=round(HEIGHT - height, 1), height=height)
