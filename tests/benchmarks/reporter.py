"""What reporting costs a job, its process and Redis, beside tqdm, rich and celery-progress in the same run.

    .venv/bin/python -m tests.benchmarks.reporter

All peers take turns in each round, and the median round counts: compare within one run. A turn of a loop is over the
bare loop. It prints one table.
"""

import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from celery import Celery
from celery_progress.backend import ProgressRecorder as PeerRecorder
from redis.connection import AbstractConnection
from rich.console import Console
from rich.progress import track as rich_track
from tqdm import tqdm

from progress_app import recorder
from progress_app.backends.memory import MemoryBackend
from progress_app.backends.redis import RedisBackend, connect
from progress_app.events import Eta, Snapshot, StageProgress, StageRef, StageState, State
from progress_app.reporter import Reporter
from progress_app.testing import RecordingHost
from tests.environment import free_port
from tests.processes import until
from tests.stack import Valkey

ROUNDS = 7
TURNS = 500_000
CALLS = 200_000
PEER_CALLS = 300
SENDING_S = 4.0  # a round
SENDS = 100
PINGS = 30  # a round
PAUSE_S = 0.1  # between two of them, as between two sends
STAGES = ("Read", "Check", "Load", "Report")


@dataclass(frozen=True)
class Line:
    """A line of the table."""

    what: str
    measured: str
    budget: str


def main() -> None:
    """Print the table."""
    with open(os.devnull, "w", encoding="utf-8") as sink, valkey() as url:  # noqa: PTH123  (a device, not a file)
        lines = [*turns(sink), advancing(), *recording(url), *sending(url), at_rest(url)]
    print("| What | Measured | Budget |\n|---|---|---|")
    for line in lines:
        print(f"| {line.what} | {line.measured} | {line.budget} |")


@contextmanager
def valkey() -> Iterator[str]:
    """A server of its own."""
    with tempfile.TemporaryDirectory() as folder:
        server = Valkey(free_port(), Path(folder))
        server.start()
        yield server.url
        server.stop()


@contextmanager
def reporting(backend: Any = None) -> Iterator[Reporter]:
    """A reporter at work."""
    reporter = Reporter(
        task="benchmark", job="spin", attempt=1, backend=backend or MemoryBackend(), host=RecordingHost(), stages=STAGES
    )
    reporter.start()
    yield reporter
    reporter.settle(State.SUCCEEDED)


def medians(
    loops: Mapping[str, Callable[[], None]],
    times: Mapping[str, int],
    clock_ns: Callable[[], int] = time.thread_time_ns,
) -> dict[str, float]:
    """Nanoseconds a time of each loop, the median of rounds in which all take turns; of CPU, unless a clock is given.

    CPU, so that what else the machine does is not counted.
    """
    seen: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(ROUNDS):
        for name, loop in loops.items():
            began_ns = clock_ns()
            loop()
            seen[name].append((clock_ns() - began_ns) / times[name])
    return {name: statistics.median(costs) for name, costs in seen.items()}


# A turn of a loop


def spin(items: Iterable[int]) -> None:
    """Go through them."""
    for _ in items:
        pass


def generated() -> Iterable[int]:
    """Items of an unknown number."""
    yield from range(TURNS)


def _through(tracker: Callable[[Iterable[int]], Iterable[int]], items: Callable[[], Iterable[int]]) -> None:
    spin(tracker(items()))


def turns(sink: IO[str]) -> list[Line]:
    """`track` over what has a length and what has none."""
    console, listed = Console(file=sink), list(range(TURNS))
    kinds: dict[str, Callable[[], Iterable[int]]] = {
        "a range": lambda: range(TURNS), "a list": lambda: listed, "a generator": generated,
    }  # fmt: skip
    with reporting() as reporter:
        trackers: dict[str, Callable[[Iterable[int]], Iterable[int]]] = {
            "bare": lambda items: items,
            "ours": reporter.track,
            "rich": lambda items: rich_track(items, total=TURNS, console=console),
            "tqdm": lambda items: tqdm(items, total=TURNS, file=sink),
        }
        loops = {
            f"{who}, {kind}": partial(_through, tracker, items)
            for kind, items in kinds.items()
            for who, tracker in trackers.items()
        }
        found = medians(loops, dict.fromkeys(loops, TURNS))
    return [_turn(kind, found, sized=kind != "a generator") for kind in kinds]


def _turn(kind: str, found: dict[str, float], *, sized: bool) -> Line:
    bare = found[f"bare, {kind}"]
    ours, rich, peer = (found[f"{who}, {kind}"] - bare for who in ("ours", "rich", "tqdm"))
    return Line(
        f"`track` over {kind}, a turn",
        f"{ours:.0f} ns: {ours / rich:.2f} × rich ({rich:.0f} ns), {ours / peer:.2f} × tqdm ({peer:.0f} ns)",
        f"≤ {0.5 if sized else 1.0} × rich, ≤ 0.7 × tqdm",
    )


# A call


def advancing() -> Line:
    """`advance()`, as a job calls it."""
    with reporting() as reporter:

        def call() -> None:
            for _ in range(CALLS):
                reporter.advance()

        loops: dict[str, Callable[[], None]] = {"bare": lambda: spin(range(CALLS)), "ours": call}
        found = medians(loops, dict.fromkeys(loops, CALLS))
    return Line("`advance()`", f"{found['ours'] - found['bare']:.0f} ns", "≤ 150 ns")


def recording(url: str) -> list[Line]:
    """`set_progress` of both recorders, in the same task."""
    with Celery("benchmark", broker="memory://", backend=url, set_as_current=False) as app:
        found: dict[str, float] = {}

        def task(self: Any) -> None:
            peer, ours = PeerRecorder(self), recorder.ProgressRecorder(self)

            def call(recorder: Any, times: int) -> None:
                for at in range(times):
                    recorder.set_progress(at, times, "loading")

            loops: dict[str, Callable[[], None]] = {
                "peer": lambda: call(peer, PEER_CALLS), "ours": lambda: call(ours, CALLS),
            }  # fmt: skip
            found.update(medians(loops, {"peer": PEER_CALLS, "ours": CALLS}, time.perf_counter_ns))

        plain = _plain_reporter(url)
        app.task(bind=True, shared=False, name="benchmark")(task).apply(task_id=plain, throw=True)
        recorder.ended(plain, None)
    told = (
        f"{found['ours']:.0f} ns: 1/{found['peer'] / found['ours']:,.0f} of celery-progress ({found['peer']:,.0f} ns)"
    )
    return [Line("`set_progress` of the drop-in", told, "≤ 1/1,000 of celery-progress")]


def _plain_reporter(url: str) -> str:
    """A Celery id whose task reports to this Redis."""
    celery_id = recorder.task_id("benchmark")
    about = {"task": celery_id, "job": "benchmark", "attempt": 1, "backend": redis_backend(url)}
    recorder.adopt(celery_id, recorder.Reporter(**about, host=recorder.Lonely()))
    return celery_id


# What goes out


def redis_backend(url: str) -> RedisBackend:
    """The backend of a worker."""
    return RedisBackend(connect(url), prefix="b", keep_running_s=86_400, keep_final_s=3_600, log_entries=1_000)


def sending(url: str) -> list[Line]:
    """What the sending thread takes of a core, beside bare PINGs at its pace; and how often it waits for Redis."""
    backend = redis_backend(url)
    with reporting(backend) as reporter, reporter.stage("Read", total=10**9, unit="rows"):
        until(lambda: _position(backend), what="the first send")
        rounds = [(*_sends(reporter, backend), _pings(backend)) for _ in range(ROUNDS)]
    share, sent, bare = map(statistics.median, zip(*rounds, strict=True))
    told = (
        f"{share:.2f} % of a core at {sent:.1f} sends a second, {share / bare:.2f} × as many bare PINGs ({bare:.2f} %)"
    )
    return [
        Line("The sending thread", told, "≤ 0.5 % at 10 a second"),
        Line("Round trips to Redis a send", f"{_round_trips(backend):g}", "1"),
    ]


def _sends(reporter: Reporter, backend: RedisBackend) -> tuple[float, float]:
    """Percent of a core that the sending thread takes, and its sends a second."""
    (thread,) = (found for found in threading.enumerate() if found.name == "progress-sender")
    clock = time.pthread_getcpuclockid(thread.ident or 0)
    began_s, used_s, first = time.monotonic(), time.clock_gettime(clock), _position(backend)
    while (ran_s := time.monotonic() - began_s) < SENDING_S:
        reporter.advance()
        time.sleep(0.01)
    used_s, sent = time.clock_gettime(clock) - used_s, _position(backend) - first
    return 100 * used_s / ran_s, sent / ran_s


def _pings(backend: RedisBackend) -> float:
    """As much for the least that can be asked of Redis, in a thread that is woken as often: caches are as cold."""
    used_s: list[float] = []

    def ask() -> None:
        began_s = time.thread_time()
        for _ in range(PINGS):
            time.sleep(PAUSE_S)
            backend.ping()
        used_s.append(time.thread_time() - began_s)

    asking = threading.Thread(target=ask)
    asking.start()
    asking.join()
    return 100 * used_s[0] / (PINGS * PAUSE_S)


def _position(backend: RedisBackend) -> int:
    snapshot = backend.read_snapshot("benchmark")
    return snapshot.pos if snapshot else 0


def _round_trips(backend: RedisBackend) -> float:
    """Packets that a send writes, a log entry included."""
    backend.publish(Snapshot(task="trips"))  # it connects, and loads the script
    written = 0
    write = AbstractConnection.send_packed_command

    def counted(self: Any, *given: Any, **named: Any) -> None:
        nonlocal written
        written += 1
        write(self, *given, **named)  # type: ignore[no-untyped-call]

    AbstractConnection.send_packed_command = counted  # type: ignore[method-assign]
    for at in range(SENDS):
        backend.publish(Snapshot(task="trips", attempt=1, state=State.RUNNING, current=at))
    AbstractConnection.send_packed_command = write  # type: ignore[method-assign]
    return written / SENDS


def at_rest(url: str) -> Line:
    """The memory of a task with four stages, besides its log."""
    backend = redis_backend(url)
    stages = (StageProgress(name=name, state=StageState.DONE, percent=100.0, seconds=12.3) for name in STAGES)
    told = Snapshot(
        task=recorder.task_id("at rest"), job="import_csv", attempt=1, state=State.RUNNING, current=10_000,
        total=10_000, unit="rows", percent=99.9, message="Loading rows", stage=StageRef(index=2, name="Load"),
        stages=tuple(stages), rate=812.4, eta=Eta(low=6.1, high=8.4),
        started_at=1_789_999_994.9, elapsed=5.2, ts=1_790_000_000.123456,
    )  # fmt: skip
    backend.publish(told)
    taken = backend.client.memory_usage(f"b:{{{told.task}}}:now", samples=0)
    return Line("Redis, a task with four stages at rest", f"{taken} bytes", "≤ 1,024 bytes")


if __name__ == "__main__":
    main()
