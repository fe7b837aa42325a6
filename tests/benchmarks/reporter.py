"""What a tracked turn of a loop costs, beside tqdm and rich in the same run.

    .venv/bin/python -m tests.benchmarks.reporter

Nanoseconds a turn over the bare loop, the median of rounds in which all peers take turns: compare within one run.
"""

import os
import statistics
import time
from collections.abc import Callable, Iterable
from typing import IO, Any

from rich.console import Console
from rich.progress import track as rich_track
from tqdm import tqdm

from progress_app.backends.memory import MemoryBackend
from progress_app.checkpoint import Checkpoint
from progress_app.events import Snapshot, State
from progress_app.host import Fan, Lease
from progress_app.reporter import Reporter

ROUNDS = 7
TURNS = 500_000


class Host:
    """Holds the lease."""

    def renew(self, _snapshot: Snapshot) -> Lease:
        return Lease.HELD

    def attach(self, _file: IO[bytes] | Any, _name: str) -> None:
        raise NotImplementedError

    def earlier(self) -> list[dict[str, list[float]]]:
        return []

    def checkpoint(self, _point: Checkpoint) -> None:
        raise NotImplementedError

    def map(self, _fan: Fan) -> Fan:
        raise NotImplementedError


def cost_ns(loop: Callable[[], None], turns: int) -> float:
    """Nanoseconds a turn."""
    began = time.perf_counter_ns()
    loop()
    return (time.perf_counter_ns() - began) / turns


def spin(items: Iterable[int]) -> None:
    """Go through them."""
    for _ in items:
        pass


def generated(turns: int) -> Iterable[int]:
    """Items of an unknown number."""
    yield from range(turns)


def measure(reporter: Reporter, sink: IO[str]) -> dict[str, float]:
    """The median cost of each peer."""
    console = Console(file=sink)
    loops: dict[str, tuple[Callable[[], None], str]] = {
        "bare range": (lambda: spin(range(TURNS)), ""),
        "bare generator": (lambda: spin(generated(TURNS)), ""),
        "headway, range": (lambda: spin(reporter.track(range(TURNS))), "bare range"),
        "headway, generator": (lambda: spin(reporter.track(generated(TURNS))), "bare generator"),
        "rich, range": (lambda: spin(rich_track(range(TURNS), console=console)), "bare range"),
        "rich, generator": (lambda: spin(rich_track(generated(TURNS), total=TURNS, console=console)), "bare generator"),
        "tqdm, range": (lambda: spin(tqdm(range(TURNS), file=sink)), "bare range"),
        "tqdm, generator": (lambda: spin(tqdm(generated(TURNS), file=sink)), "bare generator"),
    }
    seen: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(ROUNDS):
        for name, (loop, _base) in loops.items():
            seen[name].append(cost_ns(loop, TURNS))
    middle = {name: statistics.median(costs) for name, costs in seen.items()}
    return {name: middle[name] - middle.get(base, 0.0) for name, (_loop, base) in loops.items()}


def main() -> None:
    """Print the table."""
    reporter = Reporter(task="benchmark", job="spin", attempt=1, backend=MemoryBackend(), host=Host())
    reporter.start()
    with open(os.devnull, "w", encoding="utf-8") as sink:  # noqa: PTH123  (a device, not a file)
        costs = measure(reporter, sink)
    reporter.settle(State.SUCCEEDED)
    for name, nanoseconds in costs.items():
        print(f"{name:20} {nanoseconds:8.1f} ns a turn")
    for kind in ("range", "generator"):
        ours = costs[f"headway, {kind}"]
        print(f"{kind}: {ours / costs[f'rich, {kind}']:.2f} × rich, {ours / costs[f'tqdm, {kind}']:.2f} × tqdm")


if __name__ == "__main__":
    main()
