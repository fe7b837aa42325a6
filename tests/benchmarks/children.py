"""What a parent of many children asks of Redis, beside as many single tasks in the same run.

    .venv/bin/python -m tests.benchmarks.children [number of tasks]

Each task sends what a reporter sends: its beginning, some updates, its end. Commands and the server's processor time
are Redis's own figures (INFO). The budget is a factor of 2; the queue costs both the same and is left out.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from msgspec.structs import replace
from redis import Redis

from progress_app.backends.redis import RedisBackend
from progress_app.events import Snapshot, State
from progress_app.rollup import Member, Rollup
from tests.environment import free_port
from tests.stack import Valkey

TASKS = 10_000
ROUNDS = 3  # in turns; the median is shown
BUDGET = 2.0


@dataclass(frozen=True)
class Work:
    """What Redis did: commands, and its processor's milliseconds."""

    commands: int
    cpu_ms: float


def measured(client: Redis, run: Callable[[], None]) -> Work:
    """Run, and read the server's figures."""
    client.flushall()
    calls, cpu_ms = figures(client)
    run()
    more_calls, more_cpu_ms = figures(client)
    return Work(more_calls - calls, more_cpu_ms - cpu_ms)


def figures(client: Redis) -> tuple[int, float]:
    """Calls of all commands (those within scripts too), and milliseconds."""
    stats: Any = client.info("commandstats")
    cpu: Any = client.info("cpu")
    return sum(each["calls"] for each in stats.values()), (cpu["used_cpu_user"] + cpu["used_cpu_sys"]) * 1_000


def sends(updates: int) -> list[Snapshot]:
    """What one task sends in its life."""
    begun = Snapshot(task=str(uuid4()), job="part", attempt=1, state=State.RUNNING, total=updates + 1, unit="rows")
    steps = [replace(begun, current=n, percent=100 * n / (updates + 1), elapsed=float(n)) for n in range(updates + 1)]
    return [*steps, replace(begun, state=State.SUCCEEDED, percent=100.0)]


def singles(backend: RedisBackend, count: int, updates: int) -> None:
    """Tasks that are nobody's children."""
    for _ in range(count):
        for snapshot in sends(updates):
            backend.publish(snapshot)


def family(backend: RedisBackend, count: int, updates: int) -> None:
    """The same tasks as children of one."""
    parent = Snapshot(task=str(uuid4()), job="whole", attempt=1, state=State.RUNNING, total=count, unit="parts")
    backend.roll_up(Rollup(snapshot=parent, total=count))
    for number in range(count):
        for snapshot in sends(updates):
            backend.publish(snapshot, (), Member(parent.task, number))
    backend.rolled_up(parent.task)


def compare(client: Redis, backend: RedisBackend, count: int, updates: int) -> None:
    """Print a row for each, and their ratio."""
    seen: dict[str, list[Work]] = {"single tasks": [], "one family": []}
    for _ in range(ROUNDS):
        seen["single tasks"].append(measured(client, lambda: singles(backend, count, updates)))
        seen["one family"].append(measured(client, lambda: family(backend, count, updates)))
    middle = {name: sorted(works, key=lambda work: work.cpu_ms)[ROUNDS // 2] for name, works in seen.items()}
    for name, work in middle.items():
        print(f"{updates:8} {name:14} {work.commands:10,} {work.cpu_ms:12,.0f}")
    one, many = middle["single tasks"], middle["one family"]
    cpu, commands = many.cpu_ms / one.cpu_ms, many.commands / one.commands
    print(f"{'':8} {'ratio':14} {commands:10.2f} {cpu:12.2f}")
    print(f"{'':8} {'within budget' if cpu <= BUDGET else 'OVER BUDGET'}")


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else TASKS
    with tempfile.TemporaryDirectory() as folder:
        server = Valkey(free_port(), Path(folder))
        server.start()
        try:
            client = server.client()
            backend = RedisBackend(client, prefix="b", keep_running_s=600, keep_final_s=600, log_entries=100)
            print(f"{count:,} tasks\n updates                  commands  server ms")
            for updates in (0, 3):
                compare(client, backend, count, updates)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
