"""What is measured of the stream, each as figures by peer. Every figure of a measure comes from the same round."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from progress_app import connections
from progress_app.backends.base import Answer
from progress_app.channels import task_channel
from progress_app.events import State
from progress_app.reporter import Reporter
from progress_app.testing import RecordingHost
from tests.benchmarks.crowd import Crowd
from tests.benchmarks.servers import Bare, Nchan, Ours, Polled, Server, StockWithSessions, logged_in, task_id
from tests.benchmarks.snapshots import snapshot
from tests.benchmarks.viewer import Viewer, polls
from tests.stack import Valkey

Figures = dict[str, float]
VIEWERS = 1_000
PUBLISH_S = 6.0
SETTLE_S = 5.0


def publish(
    server: Server,
    channels: int,
    per_s: float,
    seconds: float,
    told: Callable[[int, Answer | None], None] | None = None,
) -> int:
    """Send events at an even pace, over all channels in turn; returns how many."""
    began = time.monotonic()
    for number in count():
        due = began + number / per_s
        if due >= began + seconds:
            return number
        time.sleep(max(0.0, due - time.monotonic()))
        answer = server.publish(number % channels, snapshot(number % channels, number))
        if told is not None:
            told(number % channels, answer)
    raise AssertionError


@contextmanager
def running(server: Server) -> Iterator[None]:
    """The server, started."""
    server.start()
    try:
        yield
    finally:
        server.stop()


def fan_out(server: Server, channels: int, per_s: float, viewers: int = VIEWERS) -> Figures:
    """Cost of a delivered event, for viewers spread over so many channels."""
    with running(server):
        publish(server, channels, 10 * channels, 0.1)  # a task that is watched has begun to report
        crowd = Crowd(server.port, viewers, server.paths(viewers, channels))
        crowd.opened()
        crowd.quiet()
        before_s = server.cpu_s()
        sent = publish(server, channels, per_s, PUBLISH_S)
        crowd.quiet()
        spent_s = server.cpu_s() - before_s
        seen = crowd.leave()
    expected = sent * viewers // channels
    first = viewers if isinstance(server, Ours | Nchan) else 0
    return {
        "µs an event": spent_s / expected * 1e6,
        "p99 ms": seen["p99_ms"],
        "lost": expected + first - seen["events"],
    }


def dashboard(valkey: Valkey) -> dict[str, Figures]:
    """50 viewers of the list of 200 tasks that report 10 times a second each; one more times the rows."""
    tasks, viewers, seconds = 200, 50, 5.0
    sent_at: dict[tuple[str, int], float] = {}
    ages_ms: list[float] = []

    def see(name: str, data: Any, at: float) -> None:
        rows = data["rows"] if name == "rows" else []
        keys = [(row["task"], row["pos"]) for row in rows]
        ages_ms.extend((at - sent_at[key]) * 1e3 for key in keys if key in sent_at)

    def told(channel: int, answer: Answer | None) -> None:
        if answer is not None:
            sent_at[task_id(channel), answer.pos] = time.time()

    server = Ours(valkey)
    with running(server):
        viewer = Viewer(server.port, f"/events/?token={server.token(['tasks'])}", see)
        viewer.start()
        viewer.opened.wait(10)
        crowd = Crowd(server.port, viewers, [f"/events/?token={server.token(['tasks'])}" for _ in range(viewers)])
        crowd.opened()
        before_s, began_s = server.cpu_s(), time.monotonic()
        sent = publish(server, tasks, tasks * 10, seconds, told)
        took_s = time.monotonic() - began_s
        crowd.quiet()
        spent_s = server.cpu_s() - before_s
        seen = crowd.leave()
        viewer.leave()
    ages_ms.sort()
    naive = fan_out(Bare(valkey), 1, 200, viewers)["µs an event"] * viewers
    ours = spent_s / sent * 1e6
    return {
        "headway": {
            "µs a report": ours, "of naive": ours / naive, "MB/s": seen["bytes"] / took_s / 1e6,
            "frames/s": (seen["events"] / viewers - 2) / took_s, "oldest row ms": ages_ms[-1],
        },
        "naive: every event to every viewer": {"µs a report": naive},
    }  # fmt: skip


def opening(valkey: Valkey) -> dict[str, Figures]:
    """Processor time to open a stream with a session, behind the same middleware."""
    return {server.name: _opening(server) for server in (Ours(valkey), StockWithSessions(valkey))}


def _opening(server: Server) -> Figures:
    streams, session = 500, logged_in()
    with running(server):
        publish(server, 1, 10, 0.1)
        Crowd(server.port, 10, server.session_paths(), headers=[session]).leave()
        before_s = server.cpu_s()
        crowd = Crowd(server.port, streams, server.session_paths(), headers=[session])
        crowd.opened()
        spent_s = server.cpu_s() - before_s
        seen = crowd.leave()
    return {"ms a stream": spent_s / seen["ok"] * 1e3, "refused": seen["refused"]}


def back(valkey: Valkey, viewers: int = 5_000) -> dict[str, Figures]:
    """How long until all viewers are back after a restart of the server; each has a session, as a browser has."""
    server = Ours(valkey)
    server.start()
    publish(server, 1, 10, 0.1)
    crowd = Crowd(server.port, viewers, server.session_paths(), come_back=True, headers=[logged_in()])
    crowd.opened()
    server.stop()
    before_s = time.monotonic()
    server.start()
    up_s = time.monotonic() - before_s
    crowd.back()
    took_s = time.monotonic() - before_s
    crowd.leave()
    server.stop()
    return {"headway": {"viewers": viewers, "s until all are back": took_s, "of it the server's start": up_s}}


def ends(valkey: Valkey, viewers: int = 10_000) -> dict[str, Figures]:
    """So many streams on one process: whether each sees the end of its task."""
    server, tasks = Ours(valkey), 1_000
    with running(server):
        publish(server, tasks, 10 * tasks, 0.1)
        crowd = Crowd(server.port, viewers, server.paths(viewers, tasks))
        crowd.opened()
        crowd.quiet()
        memory = server.memory_kib()
        for number in range(tasks):
            server.publish(number, snapshot(number, 1, State.SUCCEEDED))
        crowd.quiet()
        time.sleep(SETTLE_S)  # heartbeats come in between, so that a quiet moment may be an earlier one
        seen = crowd.leave()
    return {"headway": {"streams": seen["ok"], "ends seen": seen["ended"], "MiB in all": memory / 1024}}


def polling(valkey: Valkey) -> dict[str, Figures]:
    """Answers to polling a second and core, when nothing has changed."""
    return {server.name: _polling(server, asks) for server, asks in ((Ours(valkey), 5_000), (Polled(valkey), 500))}


def _polling(server: Ours | Polled, asks: int) -> Figures:
    with running(server):
        server.publish(0, snapshot(0, 1, State.SUCCEEDED))
        path, headers = server.poll()
        polls(server.port, path, 20, headers)
        before_s = server.cpu_s()
        status = polls(server.port, path, asks, headers)
        spent_s = server.cpu_s() - before_s
    return {"a second and core": asks / spent_s, "status": status}


def seen(valkey: Valkey) -> dict[str, Figures]:
    """From a job's word to the viewer of ten tasks, through reporters, Redis and the stream."""
    delays_ms: list[float] = []

    def see(name: str, data: Any, at: float) -> None:
        if name == "progress" and data["message"]:
            delays_ms.append((at - float(data["message"])) * 1e3)

    server = Ours(valkey)
    backend = connections.backend()
    names = [task_channel(task_id(number)) for number in range(10)]
    with running(server):
        reporters = [
            Reporter(task=task_id(number), job="seen", attempt=1, backend=backend, host=RecordingHost())
            for number in range(10)
        ]
        for reporter in reporters:
            reporter.start()
        viewer = Viewer(server.port, f"/events/?token={server.token(names)}", see)
        viewer.start()
        viewer.opened.wait(10)
        for number in range(600):
            reporters[number % 10].update(message=repr(time.time()))
            time.sleep(0.0101)
        for reporter in reporters:
            reporter.settle(State.SUCCEEDED)
        viewer.leave()
    delays_ms.sort()
    return {"headway": {"p50 ms": delays_ms[len(delays_ms) // 2], "p99 ms": delays_ms[int(len(delays_ms) * 0.99)]}}
