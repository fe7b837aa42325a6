"""How far the forecast is from the truth, beside tqdm's and the naive one, on recorded runs.

    .venv/bin/python -m tests.benchmarks.eta            # the table
    .venv/bin/python -m tests.benchmarks.eta --record   # make the recorded runs anew, from their seed

The runs lie in `runs/<kind>.json`: for each run its stages, for each stage the milliseconds of its steps. Every run is
forecast at each step between 10 and 90 % of its time, knowing the three runs before it (and once more knowing none).
The error is |log(forecast / truth)|; the table shows its median, pooled over all kinds in the last row.
"""

# ruff: noqa: S311  (it prints its figures; the runs are made from a seed on purpose)

import argparse
import json
import math
import random
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

from progress_app.forecast import Leg, forecast
from progress_app.pace import Pace
from progress_app.rate import Rate

RUNS = Path(__file__).parent / "runs"
SEED = 20261124
HOW_MANY = 13
KNOWN = 3
STEPS = 240
Stages = list[list[float]]  # seconds of each step, by stage


def steady(rng: random.Random) -> Stages:
    return [[0.1 * rng.uniform(0.8, 1.2) for _ in range(STEPS)]]


def slowing(rng: random.Random) -> Stages:
    grows = rng.uniform(3, 5)
    return [[0.05 * (1 + grows * i / STEPS) * rng.uniform(0.8, 1.2) for i in range(STEPS)]]


def bursty(rng: random.Random) -> Stages:
    steps: list[float] = []
    slow = False
    while len(steps) < STEPS:
        steps += [(0.25 if slow else 0.02) * rng.uniform(0.8, 1.2) for _ in range(rng.randint(5, 25))]
        slow = not slow
    return [steps[:STEPS]]


def dominated(rng: random.Random) -> Stages:
    return [[seconds * rng.uniform(0.8, 1.2) for _ in range(STEPS // 3)] for seconds in (0.02, 0.4, 0.05)]


KINDS: dict[str, Callable[[random.Random], Stages]] = {
    "steady": steady,
    "slowing": slowing,
    "bursty": bursty,
    "stage-dominated": dominated,
}


def record() -> None:
    """Write the runs; machines are not equally fast each day, so each run has a pace of its own."""
    for kind, make in KINDS.items():
        rng = random.Random(f"{SEED} {kind}")
        runs = []
        for _ in range(HOW_MANY):
            pace = math.exp(rng.gauss(0, 0.12))
            runs.append([[round(pace * s * 1000) or 1 for s in stage] for stage in make(rng)])
        (RUNS / f"{kind}.json").write_text(json.dumps(runs, separators=(",", ":")) + "\n")


def recorded(kind: str) -> list[Stages]:
    """The runs of a kind."""
    runs = json.loads((RUNS / f"{kind}.json").read_text())
    return [[[ms / 1000 for ms in stage] for stage in run] for run in runs]


def marks(steps: list[float]) -> list[float]:
    """When each tenth of a stage was reached."""
    pace, elapsed_s = Pace(), 0.0
    for done, step_s in enumerate(steps, 1):
        pace.observe(elapsed_s := elapsed_s + step_s, done / len(steps))
    return pace.marks


class Ema:
    """tqdm's moving average (smoothing 0.3, with its correction of the first values)."""

    def __init__(self) -> None:
        self.last, self.calls = 0.0, 0

    def __call__(self, x: float) -> float:
        self.last, self.calls = 0.3 * x + 0.7 * self.last, self.calls + 1
        return self.last / (1 - 0.7**self.calls)


class Tqdm:
    """tqdm's remaining time: it looks at most every 0.1 s."""

    def __init__(self) -> None:
        self.counts, self.times = Ema(), Ema()
        self.n, self.s, self.rate = 0, 0.0, 0.0

    def step(self, step_s: float) -> None:
        self.n, self.s = self.n + 1, self.s + step_s
        if self.s >= 0.1:
            self.rate = self.counts(self.n) / self.times(self.s)
            self.n, self.s = 0, 0.0


def replay(run: Stages, earlier: list[list[list[float]]]) -> Iterator[tuple[str, float, bool]]:
    """Each peer's error at each step, and whether the truth lay in our range."""
    whole_s, count = sum(map(sum, run)), sum(map(len, run))
    tqdm, elapsed_s, done = Tqdm(), 0.0, 0
    legs = [Leg(weight=1, fraction=0.0, elapsed_s=0.0, earlier=known) for known in earlier]
    for place, steps in enumerate(run):
        rate, stage_s = Rate(), 0.0
        for i, step_s in enumerate(steps, 1):
            elapsed_s, stage_s, done = elapsed_s + step_s, stage_s + step_s, done + 1
            tqdm.step(step_s)
            rate.observe(elapsed_s, i)
            recent_s = (len(steps) - i) / rate.per_s if rate.per_s else None
            known = earlier[place]
            legs[place] = Leg(weight=1, fraction=i / len(steps), elapsed_s=stage_s, recent_s=recent_s, earlier=known)
            if 0.1 <= elapsed_s / whole_s <= 0.9:
                yield from errors(whole_s - elapsed_s, elapsed_s, done / count, tqdm.rate / count, legs)


def errors(
    truth_s: float, elapsed_s: float, share: float, share_per_s: float, legs: list[Leg]
) -> Iterator[tuple[str, float, bool]]:
    """The three errors at one moment."""
    yield "naive", abs(math.log(elapsed_s * (1 - share) / share / truth_s)), False
    if share_per_s:
        yield "tqdm", abs(math.log((1 - share) / share_per_s / truth_s)), False
    if (eta := forecast(legs)) and eta.low > 0:
        yield "headway", abs(math.log(math.sqrt(eta.low * eta.high) / truth_s)), eta.low <= truth_s <= eta.high


def measure(known: int) -> None:
    """Print a row a kind, and the pooled one."""
    pooled: dict[str, list[tuple[float, bool]]] = {"headway": [], "tqdm": [], "naive": []}
    print(f"\nknowing {known} earlier runs    headway    tqdm   naive   true end in our range")
    for kind in KINDS:
        runs = recorded(kind)
        seen: dict[str, list[tuple[float, bool]]] = {name: [] for name in pooled}
        for i in range(KNOWN, len(runs)):
            past = runs[i - known : i]
            earlier = [[marks(run[place]) for run in past] for place in range(len(runs[i]))]
            for name, error, inside in replay(runs[i], earlier):
                seen[name].append((error, inside))
        row(kind, seen)
        for name, values in seen.items():
            pooled[name] += values
    row("pooled", pooled)


def row(title: str, seen: dict[str, list[tuple[float, bool]]]) -> None:
    """One line of medians."""
    middle = {name: statistics.median(e for e, _ in values) for name, values in seen.items()}
    inside = statistics.mean(ok for _, ok in seen["headway"])
    print(f"{title:24} {middle['headway']:9.3f} {middle['tqdm']:7.3f} {middle['naive']:7.3f} {inside:12.0%}")


def main() -> None:
    """Record or measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", action="store_true")
    if parser.parse_args().record:
        record()
    for known in (KNOWN, 1, 0):
        measure(known)


if __name__ == "__main__":
    main()
