"""What publishing to Pusher and Ably costs a worker, and what a service in any condition does to a job.

    .venv/bin/python -m tests.benchmarks.transports

The services are the emulators, as processes of their own. It prints two tables: CPU of this process at ten updates a
second over the same without publishing, also of 200 tasks at once; and the duration of a job of pure computing while a
service works, holds its answers back, refuses, or is away.
"""

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

SECONDS: Final = 10.0
EVERY_S: Final = 0.1
TASKS: Final = 200
RATE: Final = 10.0
TURNS: Final = 2_500_000  # some 0.2 s
ROUNDS: Final = 15
STAGES: Final = tuple(StageProgress(name=f"Stage {n}", state=StageState.RUNNING, percent=40.0) for n in range(4))


def snapshot(number: int, percent: float, state: State = State.RUNNING) -> Message:
    task = str(UUID(int=number))
    told = Snapshot(
        task=task, job="import_csv", attempt=1, state=state, current=percent, total=100, percent=percent,
        message="Loading rows", stage=StageRef(index=1, name="Load"), stages=STAGES, rate=812.4, ts=time.time(),
    )  # fmt: skip
    return Message(task_channel(task), 1, told.event, told.to_json(), is_state=True, is_end=told.is_final)


def transport_to(emulator: Emulator) -> Transport:
    if emulator.kind == "pusher":
        return PusherTransport(app_id=pusher.APP_ID, key=pusher.KEY, secret=pusher.SECRET, url=emulator.url)
    return AblyTransport(key=ably.KEY, url=emulator.url)


@contextmanager
def publishing(emulator: Emulator, rate: float) -> Iterator[Publisher]:
    publisher = Publisher(
        transport_to(emulator), per_s=rate, most=2_000, raise_flag=lambda _: None, address=lambda task: task
    )
    yield publisher
    publisher.close()


def cpu_share(put: Callable[[Message], object], tasks: int) -> float:
    """CPU seconds a second of this process while it makes ten snapshots a second of each task."""
    began_s, cpu_s = time.monotonic(), time.process_time()
    turn = 0
    while (now_s := time.monotonic()) < began_s + SECONDS:
        for number in range(tasks):
            put(snapshot(number, turn % 100))
        turn += 1
        time.sleep(max(0.0, began_s + turn * EVERY_S - time.monotonic()))
    return (time.process_time() - cpu_s) / (now_s - began_s)


def print_costs(emulator: Emulator) -> None:
    for tasks, rate in ((1, 10.0), (1, 2.0), (TASKS, RATE)):
        emulator.renew()
        bare = cpu_share(lambda _: None, tasks)
        with publishing(emulator, rate) as publisher:
            share = cpu_share(publisher.put, tasks)
            progress = len(emulator.received())
            for number in range(tasks):
                publisher.put(snapshot(number, 100, State.SUCCEEDED))
        ends = sum(message["name"] == "complete" for message in emulator.received())
        cost = 100 * (share - bare)
        sent = f"{progress / SECONDS:5.1f}"
        print(f"{emulator.kind:8}{tasks:7}{rate:7.0f}{sent:>9}{cost:12.2f} %{ends:9}/{tasks}")


def job_s(put: Callable[[Message], object]) -> float:
    """Seconds that a loop takes which computes and reports ten times a second."""
    began_s = reported_s = time.perf_counter()
    total = 0
    for turn in range(TURNS):
        total += turn * turn % 7
        if not turn % 10_000 and (now_s := time.perf_counter()) - reported_s >= EVERY_S:
            reported_s = now_s
            put(snapshot(1, 100 * turn / TURNS))
    return time.perf_counter() - began_s


def print_durations(emulator: Emulator) -> None:
    conditions: dict[str, Callable[[], object]] = {
        "works": lambda: None,
        "holds back": emulator.hold,
        "answers 500": lambda: emulator.fail(500),
        "answers 401": lambda: emulator.fail(401),
        "is away": emulator.stop,
    }
    for name, order in conditions.items():
        emulator.renew()
        order()
        bare_s, publishing_s = [], []
        with publishing(emulator, 10.0) as publisher:
            for _ in range(ROUNDS):
                bare_s.append(job_s(lambda _: None))
                publishing_s.append(job_s(publisher.put))
            if emulator.service.is_running:
                emulator.recover()
        # The quickest of each: what else the machine does only ever adds.
        print(f"{emulator.kind:8}{name:14}{100 * (min(publishing_s) / min(bare_s) - 1):+8.1f} %")


def main() -> None:
    emulators = [Emulator("pusher"), Emulator("ably")]
    try:
        print("service   tasks   rate  sent / s   CPU of a core     ends")
        for emulator in emulators:
            print_costs(emulator)
        print("\nservice condition      job's duration")
        for emulator in emulators:
            print_durations(emulator)
    finally:
        for emulator in emulators:
            emulator.stop()


if __name__ == "__main__":
    main()
