"""A whole installation for the fault tests: its own database, two workers, maintenance, beat and a web server.

It runs with short times, so that what takes a minute in earnest takes seconds here; `real=True` keeps the real ones.
"""

import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connections

from config.settings import database
from tasks_app import outbox
from tests.processes import Service, until
from tests.stack import Valkey, Web, Worker

SHORT = {
    "TASKS_LEASE_S": "5",  # a loaded machine renews a second or two too late
    "TASKS_RENEW_S": "1",
    "TASKS_LONGEST_ROUND_S": "5",
    "TASKS_REPUBLISH_AFTER_S": "2",
    "TASKS_OVERTAKEN_AFTER_S": "2",
    "TASKS_PROBE_AFTER_S": "2",
    "TASKS_PROBE_AGAIN_S": "6",
    "MAINTAIN_EVERY_S": "1",
    "PROGRESS_RECHECK_S": "2",
}
ALWAYS = {"PROGRESS_HEARTBEAT_S": "1", "PROGRESS_DRAIN_S": "1", "WORKER_SOFT_SHUTDOWN_S": "1"}
FAKETIME = "/usr/lib/*/faketime/libfaketime.so.1"


class Beat:
    """Celery's beat."""

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        command = [sys.executable, "-m", "celery", "-A", "config.celery", "beat", "-l", "info", "--pidfile="]
        self.service = Service(name, command, environment)
        self._starts = 0

    def start(self) -> None:
        """Start it and wait until it counts."""
        self._starts += 1
        self.service.start(lambda: self.service.text().count("beat: Starting") >= self._starts)


class Plant:
    """The processes.

    `pause_s` is how long a fault that passes lasts, `lease_s` how long a lease holds that is renewed every `renew_s`;
    within `patience_s` every task is to end, within `told_s` after that every viewer is to know and everything to be
    tidy.
    """

    def __init__(self, folder: Path, valkey: Valkey, *, real: bool = False) -> None:
        self.folder, self.valkey = folder, valkey
        self.lease_s, self.renew_s, self.pause_s = (45.0, 15.0, 60.0) if real else (5.0, 1.0, 8.0)
        self.patience_s, self.told_s = (300.0, 120.0) if real else (90.0, 60.0)
        self._environment = ALWAYS | ({} if real else SHORT) | {"HEADWAY_VAR": str(folder / "var")}
        name = folder.name
        self.workers = [self._worker(f"{name}-{number}", queues="default") for number in (1, 2)]
        self.upkeep = self._worker(f"{name}-upkeep", concurrency=1, queues="maintenance", pool="solo")
        self.beat = Beat(f"{name}-beat", self._environment)
        self.web = Web(f"{name}-web", self._environment)

    def _worker(self, name: str, **options: Any) -> Worker:
        return Worker(name, self._environment, include="tests.faults.jobs", **options)

    @property
    def media(self) -> Path:
        """Where the files of tasks are kept."""
        return self.folder / "var" / "media"

    @property
    def parts(self) -> list[Worker | Beat | Web]:
        """All that can be started and stopped."""
        return [*self.workers, self.upkeep, self.beat, self.web]

    def heal(self) -> None:
        """Start what does not run, as a supervisor does; all at once."""
        failed: list[BaseException] = []
        dead = [part for part in self.parts if not part.service.is_running]
        threads = [threading.Thread(target=_noting, args=(part.start, failed)) for part in dead]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise failed[0]

    def stop(self) -> None:
        """End everything."""
        for part in self.parts:
            part.service.stop()

    def set_clock(self, worker: Worker, offset_s: float) -> None:
        """Start a worker again with a clock that is so much fast; 0: with the machine's."""
        library = next(iter(Path("/").glob(FAKETIME.lstrip("/"))), None)
        assert library, "libfaketime is not installed: apt-get install faketime"
        worker.service.stop()
        faked = {"LD_PRELOAD": str(library), "FAKETIME": f"{offset_s:+g}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        for name, value in faked.items():
            worker.service.environment.pop(name, None)
            if offset_s:
                worker.service.environment[name] = value
        worker.start()


def _noting(start: Callable[[], None], failed: list[BaseException]) -> None:
    try:
        start()
    except BaseException as error:  # noqa: BLE001  (told by the thread that waits)
        failed.append(error)


def children(service: Service) -> list[int]:
    """The pids of a process's children."""
    return [int(pid) for pid in Path(f"/proc/{service.pid}/task/{service.pid}/children").read_text().split()]


def a_child(worker: Worker, dice: random.Random) -> int:
    """The pid of one of a worker's pool processes."""
    until(lambda: children(worker.service), what="a pool process")
    return dice.choice(children(worker.service))


def signal_all(service: Service, number: signal.Signals) -> None:
    """Send a signal to a process and its children."""
    os.killpg(service.pid, number)


@contextmanager
def using_database(url: str) -> Iterator[None]:
    """Let this process and those it starts use another database, migrated."""
    before, before_url = connections.settings["default"], os.environ.get("DATABASE_URL")
    put, put_later, flush = outbox.put, outbox.put_later, outbox.flush
    os.environ["DATABASE_URL"] = url
    _connect(connections.configure_settings({"default": database()})["default"])
    own = outbox.Outbox()  # the thread of the module's own has a connection to the database before
    outbox.put, outbox.put_later, outbox.flush = own.put, own.put_later, own.flush
    try:
        call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
        yield
    finally:
        outbox.put, outbox.put_later, outbox.flush = put, put_later, flush
        os.environ.pop("DATABASE_URL")
        if before_url is not None:
            os.environ["DATABASE_URL"] = before_url
        _connect(before)


def _connect(settings: dict[str, object]) -> None:
    if hasattr(connections["default"], "close_pool"):
        connections["default"].close_pool()
    connections["default"].close()
    connections.settings["default"] = settings
    del connections["default"]
