"""What the stream costs, beside its peers in the same run.

    .venv/bin/python -m tests.benchmarks.stream             # everything, one table
    .venv/bin/python -m tests.benchmarks.stream w1 w2       # only these

Every figure is the server's processor time, memory or delay; the peers take turns within a round, and the table shows
the median of the rounds. Compare within one run: an absolute figure holds on no other machine.
"""

import argparse
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import django

import tests.environment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.core.management import call_command  # noqa: E402

from config import places  # noqa: E402
from progress_app.events import Snapshot, StageProgress, StageRef, StageState, State  # noqa: E402
from tests.benchmarks.crowd import Crowd  # noqa: E402
from tests.benchmarks.servers import Bare, Nchan, Ours, Server, Stock, task_id  # noqa: E402
from tests.stack import Valkey  # noqa: E402

VIEWERS = 1_000
PUBLISH_S = 6.0


def snapshot(channel: int, number: int) -> Snapshot:
    """A running task's, of the usual size (600 bytes)."""
    stages = [StageProgress(name=name, state=StageState.DONE, percent=100.0, seconds=1.2) for name in ("Read", "Check")]
    load = StageProgress(name="Load", state=StageState.RUNNING, percent=12.5, seconds=0.7)
    return Snapshot(
        task=task_id(channel), job="import_csv", attempt=1, state=State.RUNNING, current=number, total=1_000_000,
        unit="rows", percent=42.1, message="Loading rows", stage=StageRef(index=2, name="Load"),
        stages=(*stages, load), rate=812.4, started_at=1_789_999_994.9, elapsed=5.2, ts=time.time(),
    )  # fmt: skip


def publish(server: Server, channels: int, per_s: float, seconds: float) -> int:
    """Send events at an even pace, over all channels in turn; returns how many."""
    began, number = time.monotonic(), 0
    while (due := began + number / per_s) < began + seconds:
        time.sleep(max(0.0, due - time.monotonic()))
        server.publish(number % channels, snapshot(number % channels, number))
        number += 1
    return number


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """The server, started."""
    server.start()
    try:
        yield server
    finally:
        server.stop()


def fan_out(server: Server, channels: int, per_s: float) -> dict[str, float]:
    """Cost of a delivered event, for viewers spread over so many channels."""
    with running(server):
        publish(server, channels, 10 * channels, 0.1)  # a task that is watched has begun to report
        crowd = Crowd(server.port, VIEWERS, server.paths(VIEWERS, channels))
        crowd.opened()
        crowd.quiet()
        before_s = server.cpu_s()
        sent = publish(server, channels, per_s, PUBLISH_S)
        crowd.quiet()
        spent_s = server.cpu_s() - before_s
        seen = crowd.leave()
    expected = sent * VIEWERS // channels
    first = VIEWERS if isinstance(server, (Ours, Nchan)) else 0
    return {"µs/event": spent_s / expected * 1e6, "p99 ms": seen["p99_ms"], "lost": expected + first - seen["events"]}


CROWDS = {"w1": (1, 10.0), "w2": (1_000, 1_000.0)}  # channels, events a second
PEERS = (Ours, Stock, Bare, Nchan)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("which", nargs="*", default=list(CROWDS))
    parser.add_argument("--rounds", type=int, default=1)
    chosen = parser.parse_args()
    valkey = Valkey(urlsplit(places.redis_url()).port or 0, tests.environment.RUN / "redis")
    valkey.start()
    call_command("migrate", verbosity=0)
    try:
        for which in chosen.which:
            seen = rounds(valkey, chosen.rounds, *CROWDS[which])
            for name, figures in seen.items():
                print(which, name, figures)
    finally:
        valkey.stop()


def rounds(valkey: Valkey, count: int, channels: int, per_s: float) -> dict[str, dict[str, float]]:
    """The median of each peer's figures; the peers take turns."""
    seen: dict[str, list[dict[str, float]]] = {peer.name: [] for peer in PEERS}
    for _ in range(count):
        for peer in PEERS:
            valkey.empty()
            seen[peer.name].append(fan_out(peer(valkey), channels, per_s))
    return {
        name: {key: statistics.median(each[key] for each in found) for key in found[0]} for name, found in seen.items()
    }


if __name__ == "__main__":
    main()
