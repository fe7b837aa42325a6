"""What may happen to an installation: each fault strikes once, and the batch goes on.

`heal` restarts afterwards what has died, as a supervisor does.
"""

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tasks_app import outbox
from tasks_app.models import Task
from tasks_app.transitions import WAITING
from tests.faults.plant import Plant, a_child, signal_all
from tests.postgresql import Postgresql
from tests.processes import Service, until
from tests.stack import Worker

CLOCK_OFF_S = 300.0
MARGIN_S = 2.0
FULL_DISK_BYTES = 50_000


@dataclass(slots=True, kw_only=True)
class Scene:
    """What a fault may touch; it notes in `woke_at_s` (monotonic) when it woke a frozen worker."""

    plant: Plant
    dice: random.Random
    tasks: Sequence[str]
    postgresql: Postgresql | None = None
    woke_at_s: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def worker(self) -> Worker:
        """One of the workers."""
        return self.dice.choice(self.plant.workers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A way to go wrong.

    Attributes:
        strike: does it, and returns when it is over.
        in_short: whether the short form of the suite has it.
        on_postgresql: whether it needs that database.
        around: entered before the batch starts and left after its end.

    """

    name: str
    strike: Callable[[Scene], None]
    in_short: bool = False
    on_postgresql: bool = False
    around: Callable[[Plant], object] | None = None


def _kill(service: Service) -> None:
    """Kill the process alone, as the kernel does that needs memory."""
    service.send(signal.SIGKILL)
    until(lambda: not service.is_running, what="the end of what was killed")


def child_killed(scene: Scene) -> None:
    os.kill(a_child(scene.worker, scene.dice), signal.SIGKILL)


def worker_killed(scene: Scene) -> None:
    _kill(scene.worker.service)


def upkeep_killed(scene: Scene) -> None:
    _kill(scene.plant.upkeep.service)


def beat_killed(scene: Scene) -> None:
    _kill(scene.plant.beat.service)


def web_killed(scene: Scene) -> None:
    _kill(scene.plant.web.service)


def worker_stopped(scene: Scene) -> None:
    scene.worker.service.stop()


def upkeep_stopped(scene: Scene) -> None:
    scene.plant.upkeep.service.stop()


def beat_stopped(scene: Scene) -> None:
    scene.plant.beat.service.stop()


def web_stopped(scene: Scene) -> None:
    scene.plant.web.service.stop()


def redis_emptied(scene: Scene) -> None:
    scene.plant.valkey.lose_everything()


def redis_paused(scene: Scene) -> None:
    scene.plant.valkey.service.send(signal.SIGSTOP)
    try:
        time.sleep(scene.plant.pause_s)
    finally:
        scene.plant.valkey.service.send(signal.SIGCONT)


def redis_full(scene: Scene) -> None:
    with scene.plant.valkey.client() as client:
        client.config_set("maxmemory", "1mb")
        try:
            time.sleep(scene.plant.pause_s)
        finally:
            client.config_set("maxmemory", "0")


def database_restarted(scene: Scene) -> None:
    assert scene.postgresql is not None
    scene.postgresql.stop()
    scene.postgresql.start()


def worker_killed_while_clocks_differ(scene: Scene) -> None:
    os.kill(a_child(scene.worker, scene.dice), signal.SIGKILL)


@contextmanager
def clocks_differ(plant: Plant) -> Iterator[None]:
    """Let the clock of the second worker be five minutes fast."""
    plant.set_clock(plant.workers[1], CLOCK_OFF_S)
    try:
        yield
    finally:
        plant.set_clock(plant.workers[1], 0)


def messages_twice(scene: Scene) -> None:
    """Publish each waiting task again, twice at once."""
    waiting = list(Task.objects.filter(pk__in=scene.tasks, state__in=WAITING))
    scene.notes.append(f"{len(waiting)} doubled")
    threads = [threading.Thread(target=_send_all, args=(waiting,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _send_all(tasks: Sequence[Task]) -> None:
    for task in tasks:
        identity = outbox.celery_id(task.pk, task.attempt + 1)
        outbox.send(outbox.RUN, [str(task.pk)], task_id=identity, queue=task.queue, priority=task.priority)


def worker_frozen(scene: Scene) -> None:
    """Stop a worker and its children past their leases, until others have their tasks; then let them go on."""
    service = scene.worker.service
    signal_all(service, signal.SIGSTOP)
    try:
        time.sleep(scene.plant.lease_s + MARGIN_S)
    finally:
        scene.woke_at_s = time.monotonic()
        signal_all(service, signal.SIGCONT)


def disk_full(scene: Scene) -> None:
    """Have no room for more than some of the results: see `tiny_disk`."""


@contextmanager
def tiny_disk(plant: Plant) -> Iterator[None]:
    """Keep the files of tasks on a file system with room for two of them."""
    plant.media.mkdir(parents=True, exist_ok=True)
    _mount("mount", "-t", "tmpfs", "-o", f"size={FULL_DISK_BYTES}", "tmpfs", str(plant.media))
    try:
        yield
    finally:
        _mount("umount", str(plant.media))


def _mount(*command: str) -> None:
    subprocess.run(command, check=True, cwd=Path("/"))


FAULTS = [
    Fault(name="worker child: SIGKILL", strike=child_killed, in_short=True),
    Fault(name="worker: SIGKILL", strike=worker_killed, in_short=True),
    Fault(name="maintenance: SIGKILL", strike=upkeep_killed),
    Fault(name="beat: SIGKILL", strike=beat_killed),
    Fault(name="web: SIGKILL", strike=web_killed, in_short=True),
    Fault(name="worker: SIGTERM", strike=worker_stopped, in_short=True),
    Fault(name="maintenance: SIGTERM", strike=upkeep_stopped),
    Fault(name="beat: SIGTERM", strike=beat_stopped),
    Fault(name="web: SIGTERM", strike=web_stopped),
    Fault(name="Redis: killed, restarted empty", strike=redis_emptied, in_short=True),
    Fault(name="Redis: paused", strike=redis_paused),
    Fault(name="Redis: full", strike=redis_full),
    Fault(name="messages delivered twice", strike=messages_twice),
    Fault(name="worker: frozen past its lease", strike=worker_frozen, in_short=True),
    Fault(name="disk full for results", strike=disk_full, around=tiny_disk),
    Fault(name="PostgreSQL: restarted", strike=database_restarted, on_postgresql=True),
    Fault(
        name="clocks 5 min apart, child killed",
        strike=worker_killed_while_clocks_differ,
        on_postgresql=True,
        around=clocks_differ,
    ),
]
