"""What publishing to Pusher and Ably costs a worker, and what a service in any condition does to a job.

    .venv/bin/python -m tests.benchmarks.transports [pusher | ably] [costs | durations]

The services are the emulators, as processes of their own. It prints two tables: CPU of this process at ten updates a
second over the same without publishing, also of 200 tasks at once, with the fullest second that the service saw; and
the duration of a job of pure computing while the service works, is slow, refuses, hangs or is away.

A machine is never quiet for long. So each run with publishing stands between two without, what is compared are these
neighbours, and a pair's ratio counts by the median of all. The condition "nothing is sent" is the measure's own error.
"""

import socket
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from progress_app.channels import task_channel
from progress_app.events import Snapshot, StageProgress, StageRef, StageState, State
from progress_app.publisher import Publisher
from progress_app.transports.ably import AblyTransport
from progress_app.transports.base import Message, Transport
from progress_app.transports.pusher import PusherTransport
from tests.emulators import ably, pusher
from tests.emulators.service import Emulator
from tests.environment import free_port

SECONDS: Final = 4.0
EVERY_S: Final = 0.1
TASKS: Final = 200
RATE: Final = 10.0
PAIRS: Final = 5  # of the costs
TURNS: Final = 6_000_000  # some 0.5 s
ROUNDS: Final = 9
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
    return AblyTransport(key=ably.KEY, url=url)


@contextmanager
def publishing(kind: str, url: str, rate: float) -> Iterator[Publisher]:
    publisher = Publisher(
        transport_to(kind, url), per_s=rate, most=2_000, tell=lambda _: None, address=lambda task: task
    )
    yield publisher
    publisher.close()


def nothing(_message: Message) -> None:
    """Send nothing."""


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
    for tasks, rate in ((1, RATE), (1, 2.0), (TASKS, RATE)):
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
        spread = f"{min(costs):.2f}-{max(costs):.2f}"
        cost = statistics.median(costs)
        print(
            f"{emulator.kind:8}{tasks:7}{rate:7.0f}{fullest:16}{cost:9.2f} % {spread:>12}{ends:9}/{tasks}", flush=True
        )


def ends_of(emulator: Emulator) -> int:
    return len({message["channel"] for message in emulator.received() if message["name"] == "complete"})


def wait_for_ends(emulator: Emulator, tasks: int) -> None:
    """At the rate: stopping the publisher would send them without it."""
    deadline_s = time.monotonic() + 2 + 1.5 * tasks / RATE
    while ends_of(emulator) < tasks and time.monotonic() < deadline_s:
        time.sleep(0.1)


# What it does to a job


def job(put: Put) -> tuple[float, float]:
    """Seconds, and CPU seconds of this process, of a loop that computes and reports ten times a second."""
    began_s, cpu_s = time.perf_counter(), time.process_time()
    reported_s = began_s
    total = 0
    for turn in range(TURNS):
        total += turn * turn % 7
        if not turn % 10_000 and (now_s := time.perf_counter()) - reported_s >= EVERY_S:
            reported_s = now_s
            put(snapshot(1, 100 * turn / TURNS))
    return time.perf_counter() - began_s, time.process_time() - cpu_s


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
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in conditions}
        before = job(nothing)
        for _ in range(ROUNDS):
            for name, (url, order) in conditions.items():
                emulator.renew()
                order()
                took, after = one(emulator, url), job(nothing)
                found[name].append((2 * took[0] / (before[0] + after[0]), 2 * took[1] / (before[1] + after[1])))
                before = after
                emulator.recover()
    for name, ratios in found.items():
        wall, cpu = ([100 * (ratio[which] - 1) for ratio in ratios] for which in (0, 1))
        quarters = statistics.quantiles(wall, n=4)
        between = f"{quarters[0]:+.1f} to {quarters[2]:+.1f}"
        print(
            f"{emulator.kind:8}{name:17}{quarters[1]:+8.1f} %{between:>16}{statistics.median(cpu):+10.1f} %", flush=True
        )


def one(emulator: Emulator, url: str) -> tuple[float, float]:
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
            print("service   tasks   rate  fullest second   CPU of a core, spread     ends")
            for emulator in emulators:
                print_costs(emulator)
        if "costs" not in asked:
            print("\nservice the service     a job's duration, quartiles   CPU, all threads")
            for emulator in emulators:
                print_durations(emulator)
    finally:
        for emulator in emulators:
            emulator.stop()


if __name__ == "__main__":
    main()
