"""Whether events that nobody watches cost a hub anything: in pairs, because the difference is smaller than the noise.

In one half of a pair the further events go through the hub's Redis, in the other through another Redis on the same
machine, so that it is equally busy in both. What is told is the median over the pairs of what the hub used in the one
half to what it used in the other.
"""

import statistics
import time
from pathlib import Path
from typing import Final

from progress_app import conf
from progress_app.backends.redis import RedisBackend, connect
from tests.benchmarks.crowd import Crowd
from tests.benchmarks.servers import Ours
from tests.benchmarks.snapshots import snapshot
from tests.environment import RUN, free_port
from tests.stack import Valkey

VIEWERS: Final = 1_000
CHANNELS: Final = 100
WATCHED_PER_S: Final = 100
TIMES: Final = 10  # as many events again that nobody watches
PAIRS: Final = 16
SLICE_S: Final = 4.0
KEEP_S: Final = 3_600


def backend_of(valkey: Valkey) -> RedisBackend:
    """Where events are published."""
    return RedisBackend(
        connect(valkey.url), prefix=conf.get().key_prefix, keep_running_s=KEEP_S, keep_final_s=KEEP_S, log_entries=10
    )


def busy_s(pid: int) -> float:
    """Processor time that the threads of a process have used, in seconds, to the nanosecond."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def unwatched(valkey: Valkey) -> dict[str, dict[str, float]]:
    """A hub's cost while ten times more events go by that nobody here watches."""
    elsewhere = Valkey(free_port(), RUN / "redis-elsewhere")
    elsewhere.start()
    server = Ours(valkey)
    server.start()
    here, away = backend_of(valkey), backend_of(elsewhere)
    try:
        for channel in range(CHANNELS):
            here.publish(snapshot(channel, 0))
        crowd = Crowd(server.port, VIEWERS, server.paths(VIEWERS, CHANNELS))
        crowd.opened()
        crowd.quiet()
        slices = {"the same Redis": here, "another Redis": away}
        used: dict[str, list[float]] = {name: [] for name in slices}
        for pair in range(PAIRS):
            for name in sorted(slices, reverse=bool(pair % 2)):
                used[name].append(_slice(server.service.pid, here, slices[name]))
        crowd.leave()
    finally:
        server.stop()
        elsewhere.stop()
    return _figures(used["the same Redis"], used["another Redis"])


def _slice(pid: int, here: RedisBackend, others: RedisBackend) -> float:
    """The share of a core that the hub uses, in percent, while unwatched events go through `others`."""
    per_s = WATCHED_PER_S * (1 + TIMES)
    before_s, began_s = busy_s(pid), time.monotonic()
    for number in range(int(per_s * SLICE_S)):
        time.sleep(max(0.0, began_s + number / per_s - time.monotonic()))
        turn, rest = divmod(number, 1 + TIMES)
        if rest:
            others.publish(snapshot(10_000 + number % 1_000, number))
        else:
            here.publish(snapshot(turn % CHANNELS, number))
    took_s = time.monotonic() - began_s
    return (busy_s(pid) - before_s) / took_s * 100


def _figures(same: list[float], other: list[float]) -> dict[str, dict[str, float]]:
    more = sorted((a / b - 1) * 100 for a, b in zip(same, other, strict=True))
    quarter = len(more) // 4
    return {
        "through the hub's Redis": {
            "% of a core": statistics.median(same), "% more": statistics.median(more),
            "quartiles from": more[quarter], "to": more[-1 - quarter],
        },
        "through another Redis": {"% of a core": statistics.median(other)},
    }  # fmt: skip
