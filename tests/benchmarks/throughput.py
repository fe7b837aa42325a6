"""Tasks a second through the whole chain, on SQLite and on PostgreSQL in turns, with plain Celery in each turn.

    .venv/bin/python -m tests.benchmarks.throughput            # five pairs
    .venv/bin/python -m tests.benchmarks.throughput 3
    .venv/bin/python -m tests.benchmarks.throughput 3 --busy   # while `prune_tasks` forgets old tasks

1. A turn has a database, a Valkey, a worker of two processes, and two processes that start tasks, as two web processes
   do; it is over when each task has its end in the database.
2. All share this machine, PostgreSQL's server too. Its settings are its own but for `fsync=off`: SQLite does not wait
   for the disk at a commit either (`synchronous=NORMAL`).
3. The job does nothing, so that what is left is the chain.
4. `--busy`: SQLite has one writer at a time, PostgreSQL many. So another process forgets old tasks all the while.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime

from tests.benchmarks.chain import Chain, database, fill, running, until

PAIRS = 5
PRODUCERS = 2
LOADS = {"stamp_job": "Headway", "plain": "plain Celery"}
TASKS = 1_000
WARM_UP = 200
OLD = 300_000  # more than can be forgotten in a turn
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
BUSY = "--busy"
DATABASES = ("sqlite", "postgresql")


def per_second(chain: Chain, job: str, tasks: int) -> float:
    """Tasks a second, from the first start to the last end."""
    from tests.benchmarks.stamp_jobs import STAMPS  # noqa: PLC0415  (needs Django)

    chain.client.delete(STAMPS)
    command = [sys.executable, "-m", "tests.benchmarks.producer", job, str(tasks // PRODUCERS)]
    producers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(PRODUCERS)
    ]
    for producer in producers:
        assert producer.stdout is not None
        assert producer.stdout.readline() == "ready\n"
    began_s = time.perf_counter()
    for producer in producers:
        assert producer.stdin is not None
        producer.stdin.write("\n")
        producer.stdin.flush()
    until(lambda: chain.client.llen(STAMPS) == tasks, look_every_s=0.01)  # rarely: looking takes from what is measured
    until(chain.is_quiet)
    took_s = time.perf_counter() - began_s
    for producer in producers:
        producer.communicate(timeout=60)
    return tasks / took_s


@contextmanager
def pruning() -> Iterator[None]:
    """Let another process forget old tasks; it fails if that ends too soon."""
    from tasks_app.models import Task  # noqa: PLC0415  (needs Django)

    fill(OLD)
    Task.objects.filter(finished_at__isnull=False).update(finished_at=LONG_AGO)
    old = Task.objects.filter(finished_at=LONG_AGO).count()
    pruner = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.pruner"])
    try:
        until(lambda: Task.objects.filter(finished_at=LONG_AGO).count() < old, look_every_s=0.05)
        yield
        assert pruner.poll() is None, "nothing was left to forget: raise OLD"
    finally:
        pruner.kill()
        pruner.wait()


def turn() -> None:
    """Print the rates on the database that the environment names."""
    with running() as chain:
        per_second(chain, "stamp_job", WARM_UP)
        with pruning() if BUSY in sys.argv else nullcontext():
            print(json.dumps({job: per_second(chain, job, TASKS) for job in LOADS}))


def rates(name: str) -> dict[str, float]:
    """Those of a turn on this database, which has a process of its own."""
    with database(name) as url:
        environment = os.environ | {"HEADWAY_TEST_DATABASE_URL": url, "THROUGHPUT_TURN": "1"}
        command = [sys.executable, "-m", "tests.benchmarks.throughput", *sys.argv[1:]]
        ended = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Take the pairs, print each and the medians."""
    if os.environ.get("THROUGHPUT_TURN"):
        turn()
        return
    given = [int(word) for word in sys.argv[1:] if word != BUSY]
    pairs = [{name: rates(name) for name in DATABASES} for _ in range(given[0] if given else PAIRS)]
    print(f"tasks a second; medians of {len(pairs)} pairs, then each pair as SQLite/PostgreSQL")
    for job, title in LOADS.items():
        sides = [[pair[name][job] for pair in pairs] for name in DATABASES]
        medians = [statistics.median(side) for side in sides]
        ratio = statistics.median(other / one for one, other in zip(*sides, strict=True))
        each = "  ".join(f"{one:.0f}/{other:.0f}" for one, other in zip(*sides, strict=True))
        print(f"{title:12} SQLite {medians[0]:5.0f}  PostgreSQL {medians[1]:5.0f}  ratio {ratio:4.2f}   {each}")


if __name__ == "__main__":
    main()
