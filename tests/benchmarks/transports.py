"""What publishing to Pusher and Ably costs a worker, and what a service in any condition does to a job.

    .venv/bin/python -m tests.benchmarks.transports [pusher | ably] [costs | durations]

The services are the emulators, as processes of their own. It prints two tables: CPU of this process at ten updates a
second over the same without publishing, also of 200 tasks at once, with the fullest second that the service saw; and
the duration of a job of pure computing while the service works, is slow, refuses, hangs or is away.

A machine is never quiet for long. So each run with publishing stands between two without, each after a start that is
not counted: a processor that has rested is slow at first. A job's duration is compared in two ways. The median over all
pairs of neighbours, with the interval that holds it with a confidence of 95 %, as the order of the pairs gives it. And
the quickest quarter of the runs with publishing beside that of all runs without: what other processes take from a job
is never less than nothing, so this is the machine at its most quiet; the interval is of a thousand samples drawn again.
The condition "nothing is sent" is the measure's own error.
"""

import math
import random
import socket
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple
from uuid import UUID

from progress_app.channels import task_channel
from progress_app.events import Snapshot, StageProgress, StageRef, StageState, State
from progress_app.publisher import Publisher
from progress_app.transports.ably import AblyTransport
from progress_app.transports.base import Message, Transport
from progress_app.transports.pusher import PusherTransport
from tests.emulators import ably_keys, pusher
from tests.emulators.service import Emulator
from tests.environment import free_port

SECONDS: Final = 4.0
EVERY_S: Final = 0.1
TASKS: Final = 200
RATE: Final = 10.0
PAIRS: Final = 7  # of the costs
TURNS: Final = 20_000_000  # some 1.5 s
RUN_UP: Final = 2_000_000
ROUNDS: Final = 13
DOUBT: Final = 0.05
DRAWS: Final = 1_000
SLOW_S: Final = 1.0
STAGES: Final = tuple(StageProgress(name=f"Stage {n}", state=StageState.RUNNING, percent=40.0) for n in range(4))

Put = Callable[[Message], object]


def snapshot(number: int, percent: float, state: State = State.RUNNING) -> Message:
    task = str(UUID(int=number))
    told = Snapshot(
        task=task, job="import_csv", attempt=1, state=state, current=percent, total=100, percent=percent,
        message="Loading rows", stage=StageRef(index=1, name="Load"), stages=STAGES, rate=812.4, ts=time.time(),
    )  # fmt: skip
    return Message(task_channel(task), 1, told.event, told.to_json(), is_state=True, is_end=told.is_final)


def transport_to(kind: str, url: str) -> Transport:
    if kind == "pusher":
        return PusherTransport(app_id=pusher.APP_ID, key=pusher.KEY, secret=pusher.SECRET, url=url)
    return AblyTransport(key=ably_keys.KEY, url=url)


@contextmanager
def publishing(kind: str, url: str, rate: float) -> Iterator[Publisher]:
    publisher = Publisher(
        transport_to(kind, url), per_s=rate, most=2_000, tell=lambda _: None, address=lambda task: task
    )
    yield publisher
    publisher.close()


def nothing(_message: Message) -> None:
    """Send nothing."""


def told(values: Sequence[float]) -> str:
    """The median of independent values, and between which of them the true one lies."""
    ordered, count = sorted(values), len(values)
    below, tail = 0, 0.0
    while (tail := tail + math.comb(count, below) / 2**count) <= DOUBT / 2:
        below += 1
    surely = f"{ordered[below - 1]:+.2f} to {ordered[count - below]:+.2f}"
    return f"{statistics.median(ordered):+8.2f} %{surely:>18}"


def quickest(values: Sequence[float]) -> float:
    """What the quickest quarter of them took at most."""
    return statistics.quantiles(values, n=4)[0]


def told_of_quickest(values: Sequence[float], bare: Sequence[float]) -> str:
    """By how much the quickest quarter took longer, and between which figures that lies: drawn again from both."""
    dice = random.Random(DRAWS)  # noqa: S311  (of a measurement)
    drawn = [
        100 * (quickest(dice.choices(values, k=len(values))) / quickest(dice.choices(bare, k=len(bare))) - 1)
        for _ in range(DRAWS)
    ]
    low, *_, high = statistics.quantiles(drawn, n=round(2 / DOUBT))
    surely = f"{low:+.2f} to {high:+.2f}"
    return f"{100 * (quickest(values) / quickest(bare) - 1):+8.2f} %{surely:>18}"


# What it costs


def cpu_share(put: Put, tasks: int) -> float:
    """CPU seconds a second of this process while it makes ten snapshots a second of each task."""
    began_s, cpu_s = time.monotonic(), time.process_time()
    turn = 0
    while (now_s := time.monotonic()) < began_s + SECONDS:
        for number in range(tasks):
            put(snapshot(number, turn % 100))
        turn += 1
        time.sleep(max(0.0, began_s + turn * EVERY_S - time.monotonic()))
    return (time.process_time() - cpu_s) / (now_s - began_s)


def fullest_second(emulator: Emulator) -> int:
    """The most messages that the service took within a second."""
    taken_s = [message["at_s"] for message in emulator.received()]
    return max((sum(since <= at < since + 1.0 for at in taken_s) for since in taken_s), default=0)


def print_costs(emulator: Emulator) -> None:
    for tasks, rate in ((1, RATE), (TASKS, RATE)):
        emulator.renew()
        costs = []
        with publishing(emulator.kind, emulator.url, rate) as publisher:
            for _ in range(PAIRS):
                bare = cpu_share(nothing, tasks)
                costs.append(100 * (cpu_share(publisher.put, tasks) - bare))
            for number in range(tasks):
                publisher.put(snapshot(number, 100, State.SUCCEEDED))
            wait_for_ends(emulator, tasks)
            fullest, ends = fullest_second(emulator), ends_of(emulator)
        print(f"{emulator.kind:8}{tasks:7}{rate:7.0f}{fullest:16}{told(costs)}{ends:9}/{tasks}", flush=True)


def ends_of(emulator: Emulator) -> int:
    return len({message["channel"] for message in emulator.received() if message["name"] == "complete"})


def wait_for_ends(emulator: Emulator, tasks: int) -> None:
    """At the rate: stopping the publisher would send them without it."""
    deadline_s = time.monotonic() + 2 + 1.5 * tasks / RATE
    while ends_of(emulator) < tasks and time.monotonic() < deadline_s:
        time.sleep(0.1)


# What it does to a job


class Took(NamedTuple):
    """What a job took: seconds, and CPU seconds of all threads of this process."""

    wall_s: float
    cpu_s: float


def job(put: Put) -> Took:
    """A loop that computes, and reports ten times a second."""
    sum(turn * turn % 7 for turn in range(RUN_UP))
    began_s, cpu_s = time.perf_counter(), time.process_time()
    reported_s = began_s
    total = 0
    for turn in range(TURNS):
        total += turn * turn % 7
        if not turn % 10_000 and (now_s := time.perf_counter()) - reported_s >= EVERY_S:
            reported_s = now_s
            put(snapshot(1, 100 * turn / TURNS))
    return Took(time.perf_counter() - began_s, time.process_time() - cpu_s)


@contextmanager
def silent_host() -> Iterator[str]:
    """An address where connections are neither taken nor refused: the queue of those who wait is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.socket() as first, socket.socket() as second:
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        yield f"http://127.0.0.1:{full.getsockname()[1]}"


def print_durations(emulator: Emulator) -> None:
    with silent_host() as silent:
        refused = f"http://127.0.0.1:{free_port()}"
        conditions: dict[str, tuple[str, Callable[[], object]]] = {
            "nothing is sent": ("", lambda: None),
            "works": (emulator.url, lambda: None),
            "is slow (1 s)": (emulator.url, lambda: emulator.delay(SLOW_S)),
            "answers 429": (emulator.url, lambda: emulator.fail(429)),
            "answers 500": (emulator.url, lambda: emulator.fail(500)),
            "answers 401": (emulator.url, lambda: emulator.fail(401)),
            "hangs": (emulator.url, emulator.hold),
            "refuses": (refused, lambda: None),
            "is away": (silent, lambda: None),
        }
        bare, found = [job(nothing)], {name: list[tuple[Took, float]]() for name in conditions}
        for _ in range(ROUNDS):
            for name, (url, order) in conditions.items():
                emulator.renew()
                order()
                took = one(emulator, url)
                bare.append(job(nothing))
                found[name].append((took, took.wall_s / statistics.fmean(near.wall_s for near in bare[-2:])))
                emulator.recover()
    for name, seen in found.items():
        print(f"{emulator.kind:8}{name:16}{_durations(bare, seen)}", flush=True)


def _durations(bare: Sequence[Took], seen: Sequence[tuple[Took, float]]) -> str:
    """By how much a job took longer: by its neighbours, at its quickest, and in processor time."""
    pairs = told([100 * (ratio - 1) for _, ratio in seen])
    quickest = told_of_quickest([took.wall_s for took, _ in seen], [took.wall_s for took in bare])
    cpu = statistics.median(took.cpu_s for took, _ in seen) / statistics.median(took.cpu_s for took in bare)
    return f"{pairs}{quickest}{100 * (cpu - 1):+9.1f} %"


def one(emulator: Emulator, url: str) -> Took:
    """A job whose publisher is new: a service's faults cost most at first."""
    if not url:
        return job(nothing)
    with publishing(emulator.kind, url, RATE) as publisher:
        took = job(publisher.put)
        emulator.recover()
        return took


def main() -> None:
    asked = set(sys.argv[1:])
    emulators = [Emulator(kind) for kind in ("pusher", "ably") if kind in asked or not asked & {"pusher", "ably"}]
    try:
        if "durations" not in asked:
            print("service   tasks   rate  fullest second  CPU of a core, surely within     ends")
            for emulator in emulators:
                print_costs(emulator)
        if "costs" not in asked:
            print("\nservice the service     a job's duration by pairs, surely      at its quickest, surely      CPU")
            for emulator in emulators:
                print_durations(emulator)
    finally:
        for emulator in emulators:
            emulator.stop()


if __name__ == "__main__":
    main()
