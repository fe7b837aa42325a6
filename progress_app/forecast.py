"""When a task will be done: an honest range, from the run's own pace and from earlier runs of the same job. Pure.

Two witnesses estimate the seconds that remain of a stage, each with a spread, which is the standard deviation of the
estimate's logarithm (errors of durations are ratios):

1. The run's own pace: the mean pace so far, drawn towards the recent one. It doubts itself where the two disagree,
   and at the beginning.
2. Earlier runs, by their shape: where they were at the same fraction, and what they still needed then, stretched to
   the pace of this run. It doubts itself where the earlier runs differ.

They are blended by inverse variance, stages add up, and the range is the 80 % interval of a log-normal (`spread`). The
figures below were tuned on the recorded runs of `tests/benchmarks/eta.py`.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from progress_app.events import Eta
from progress_app.pace import reached
from progress_app.spread import BY_WEIGHT_SPREAD, LEAST_SPREAD, ONE_RUN_SPREAD, eta, own

Marks = Sequence[float]
Estimate = tuple[float, float]  # the logarithm of the seconds that remain, and its spread

DISAGREEMENT: Final = 0.5  # of the logarithms of mean and recent pace
FARTHEST: Final = 10.0  # of those logarithms: beyond it nothing honest is said anyway
LEAST_FRACTION: Final = 1e-6  # of a stage: less says nothing of its pace
TRUST_FROM: Final = 0.25  # of a stage: from here on its own pace stretches the earlier runs fully
LEAST_S: Final = 1e-3
PAIR: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """A stage on the way.

    `fraction` is 0 before it begins, 1 when it is done, None while its length is unknown; `elapsed_s` is what it has
    taken; `recent_s` is what remains of it by the recent rate; `earlier` are the marks (see `pace`) of earlier runs.
    """

    weight: float
    fraction: float | None
    elapsed_s: float
    recent_s: float | None = None
    earlier: Sequence[Marks] = ()

    @property
    def is_done(self) -> bool:
        """Whether nothing of it remains."""
        return self.fraction is not None and self.fraction >= 1


def forecast(legs: Sequence[Leg]) -> Eta | None:
    """The range of seconds until the end; None while nothing honest can be said."""
    stretches = _stretches(legs)
    total_s = deviation_s = 0.0
    for leg in legs:
        if leg.is_done:
            continue
        found = _remaining(leg, stretches, legs)
        if found is None:
            return None
        seconds = math.exp(found[0])
        total_s += seconds
        deviation_s = math.hypot(deviation_s, seconds * found[1])
    return eta(total_s, deviation_s / total_s if total_s > 0 else math.inf)


def _stretches(legs: Sequence[Leg]) -> list[Estimate]:
    """This run's pace by that of each earlier one, from what is behind it: a logarithm, and how far it may be off.

    The more of an earlier run is behind, the more it says; so does a pace that is farther from it than chance explains:
    that run was given something else. A stage that it had not is taken from another.
    """
    known = [leg for leg in legs if leg.earlier]
    runs = max((len(leg.earlier) for leg in known), default=0)
    return [_stretch(known, [leg.earlier[run % len(leg.earlier)] for leg in known]) for run in range(runs)]


def _stretch(known: Sequence[Leg], run: Sequence[Marks]) -> Estimate:
    """By one earlier run; 0 and 0 while nothing of it is behind."""
    behind = [(leg.elapsed_s, _until_now_s(leg, marks)) for leg, marks in zip(known, run, strict=True)]
    then_s = sum(then_s for _, then_s in behind)
    now_s = sum(now_s for now_s, then_s in behind if then_s > 0)
    if then_s <= 0 or now_s <= 0:
        return 0.0, 0.0
    share = min(1 - LEAST_FRACTION, then_s / sum(marks[-1] for marks in run))
    apart = math.log(now_s / then_s)
    trust = min(1.0, PAIR * share)
    if abs(apart) > LEAST_SPREAD:
        trust = max(trust, 1 - (own(share) / apart) ** 2)
    return apart * trust, abs(apart) * (1 - trust)


def _until_now_s(leg: Leg, marks: Marks) -> float:
    """After how many seconds of this stage an earlier run was as far; 0 while that is unknown."""
    if leg.elapsed_s <= 0:
        return 0.0
    if leg.is_done:
        return marks[-1]
    return reached(marks, leg.fraction) if leg.fraction is not None and leg.fraction >= LEAST_FRACTION else 0.0


def _remaining(leg: Leg, stretches: Sequence[Estimate], legs: Sequence[Leg]) -> Estimate | None:
    known = [found for found in (_by_own_pace(leg), _by_earlier_runs(leg, stretches)) if found]
    if known:
        return _blend(known)
    return _by_weight(leg, legs) if leg.elapsed_s <= 0 else None


def _blend(estimates: Sequence[Estimate]) -> Estimate:
    """The mean by inverse variance, and its spread."""
    weights = [spread**-2 for _, spread in estimates]
    total = sum(weights)
    return sum(x * w for (x, _), w in zip(estimates, weights, strict=True)) / total, total**-0.5


def _by_own_pace(leg: Leg) -> Estimate | None:
    done = leg.fraction
    if done is None or not LEAST_FRACTION <= done < 1 or leg.elapsed_s <= 0:
        return None
    mean = math.log(leg.elapsed_s * (1 - done) / done)
    doubt = own(done)
    if not leg.recent_s or leg.recent_s <= 0:
        return mean, doubt + ONE_RUN_SPREAD
    apart = min(math.log(leg.recent_s) - mean, FARTHEST)  # the rate of a run that stands still falls without end
    # A run that slows down mostly goes on to do so; one that sped up may have met an easy stretch.
    lean = (1 + done) / 2 if apart > 0 else 0.35
    return mean + lean * apart, math.hypot(doubt, DISAGREEMENT * apart)


def _by_earlier_runs(leg: Leg, stretches: Sequence[Estimate]) -> Estimate | None:
    by_run = list(zip(leg.earlier, stretches, strict=False))
    left_s = [_left_s(leg, marks, math.exp(stretch)) for marks, (stretch, _) in by_run]
    logs = [math.log(seconds) for seconds in left_s if seconds > LEAST_S]
    if not logs or len(logs) * PAIR < len(left_s):
        return None  # this run is already longer than most: they say nothing about its rest
    doubt = statistics.median(doubt for _, (_, doubt) in by_run) if leg.elapsed_s <= 0 else 0.0
    return statistics.median(logs), math.hypot(_spread(logs), doubt)


def _left_s(leg: Leg, marks: Marks, stretch: float) -> float:
    """What an earlier run still needed at this point, at the pace of this run."""
    whole_s = marks[-1]
    if leg.elapsed_s <= 0 or leg.fraction is None:
        return whole_s * stretch - leg.elapsed_s
    then_s = reached(marks, leg.fraction)
    if then_s <= 0 or leg.fraction < LEAST_FRACTION:
        return whole_s * stretch
    trust = min(1.0, leg.fraction / TRUST_FROM)
    return float((whole_s - then_s) * (leg.elapsed_s / then_s) ** trust * stretch ** (1 - trust))


def _spread(logs: Sequence[float]) -> float:
    """How far the next run may be from the median of these; few runs say less than their agreement suggests."""
    if len(logs) == 1:
        return ONE_RUN_SPREAD
    middle = statistics.median(logs)
    deviation = 1.4826 * statistics.median(abs(x - middle) for x in logs)  # as a standard deviation, for a normal
    spread = max(deviation, statistics.pstdev(logs) / 2, LEAST_SPREAD)
    return spread * math.sqrt(1 + 1 / len(logs)) + ONE_RUN_SPREAD / (PAIR * len(logs) ** 2)


def _by_weight(leg: Leg, legs: Sequence[Leg]) -> Estimate | None:
    """A stage that never ran: its weight, at what the others take for theirs."""
    seconds = weight = 0.0
    for other in legs:
        own = _by_own_pace(other)
        if other.weight > 0 and other.elapsed_s > 0 and (other.is_done or own):
            seconds += other.elapsed_s + (math.exp(own[0]) if own else 0.0)
            weight += other.weight
    if weight <= 0 or leg.weight <= 0:
        return None
    return math.log(max(LEAST_S, seconds / weight * leg.weight)), BY_WEIGHT_SPREAD
