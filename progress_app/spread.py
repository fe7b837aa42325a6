"""How far an estimate of seconds may be off, and the range that says so. Pure.

A spread is the standard deviation of the estimate's logarithm, because errors of durations are ratios. The figures
were tuned on the recorded runs of `tests/benchmarks/eta.py`, so that four of five true ends lie in the range.
"""

import math
from typing import Final

from progress_app.events import Eta

QUANTILE_90: Final = 1.2816  # of the standard normal distribution: 80 % lie within
OWN_DOUBT: Final = 0.6
ONE_RUN_SPREAD: Final = 0.15  # what a single earlier run says of the next
LEAST_SPREAD: Final = 0.03  # machines vary even when programs do not
BY_WEIGHT_SPREAD: Final = 0.8  # a stage that never ran is judged by its weight alone
WIDEST_SPREAD: Final = 0.9  # a range wider than a factor of ten helps nobody


def own(done: float) -> float:
    """Of an estimate by a run's own pace, when a fraction (between 0 and 1) is done."""
    return OWN_DOUBT * math.sqrt((1 - done) / done) / 2 + LEAST_SPREAD


def eta(seconds: float, spread: float) -> Eta | None:
    """The 80 % interval of a log-normal; None where it would be too wide."""
    if not spread <= WIDEST_SPREAD:
        return None
    factor = math.exp(QUANTILE_90 * spread)
    return Eta(low=round(seconds / factor, 1), high=round(seconds * factor, 1))
