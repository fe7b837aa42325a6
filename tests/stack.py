"""The real things: a Valkey, a Celery worker and a uvicorn, as fixtures.

`valkey` (a session's server, on the suite's REDIS_URL), `redis_db` (a client of it, emptied), `live` (worker
and web beside the test's own database; committed rows are visible to both) and `stack` (the same, but this
test's own processes: kill and restart them as you like).
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import redis
from django.db import connection

from config import assets, places
from config.valkey import find_server
from progress_app.events import FINAL
from tests.environment import free_port
from tests.processes import Service, until

BROKERS_OWN = b"_kombu"
PLAIN, GATED = "config.asgi:application", "tests.gated_asgi:application"  # the latter knows tests/gated_jobs.py too
QUIET = ("--without-mingle", "--without-gossip")  # as `up` starts them


class Valkey:
    """The suite's Redis server; its data folder stays over restarts."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.service = Service(f"valkey-{port}", find_server().command(port, folder))

    @property
    def url(self) -> str:
        """The address of database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> redis.Redis:
        """Return a new client."""
        return redis.Redis(port=self.port)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self.service.start(self._answers)

    def stop(self) -> None:
        """Stop the server; its data are on the disk then."""
        self.service.stop()

    def lose_everything(self) -> None:
        """Kill the server and start it without its data."""
        self.service.kill()
        shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True)
        self.start()

    def empty(self) -> None:
        """Delete all but what the broker keeps about its queues' bindings (publishers remember those)."""
        with self.client() as client:
            doomed = [key for key in client.scan_iter(count=1000) if not key.startswith(BROKERS_OWN)]
            if doomed:
                client.delete(*doomed)

    def _answers(self) -> bool:
        with self.client() as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False


class Web:
    """A uvicorn with the project; `url` has no slash at its end."""

    def __init__(self, name: str, environment: dict[str, str], *, application: str = PLAIN) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        options = ["--port", str(self.port), "--no-access-log", "--timeout-graceful-shutdown", "4"]
        self.service = Service(name, [sys.executable, "-m", "uvicorn", application, *options], environment)

    def start(self) -> None:
        """Start the server and wait until its health page answers."""
        self.service.start(self._answers)

    def restart(self) -> None:
        """Stop and start on the same port, as a deployment does."""
        self.service.stop()
        self.start()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/", timeout=5).status_code < httpx.codes.INTERNAL_SERVER_ERROR
        except httpx.HTTPError:
            return False


class Worker:
    """A Celery worker with the project's jobs, those of the modules that `include` names."""

    def __init__(
        self,
        name: str,
        environment: dict[str, str],
        *,
        concurrency: int = 2,
        queues: str = "default,urgent,maintenance",
        pool: str = "prefork",
        include: str = "tests.stubborn_jobs,tests.foreign_tasks,tests.gated_jobs",
    ) -> None:
        self.node = f"{name}-{os.getpid()}@test"
        celery = [sys.executable, "-m", "celery", "-A", "config.celery", "worker", "-n", self.node]
        options = ["-c", str(concurrency), "-Q", queues, "-P", pool, "-I", include, "-l", "info", *QUIET]
        patient = {"REMAP_SIGTERM": "SIGQUIT", "BROKER_SOCKET_TIMEOUT_S": "5", "WORKER_SOFT_SHUTDOWN_S": "1"}
        self.service = Service(name, [*celery, *options], patient | environment)
        self._starts = 0

    def start(self) -> None:
        """Start the worker and wait until it takes work."""
        self._starts += 1
        self.service.start(lambda: self.service.text().count(f"{self.node} ready") >= self._starts)

    def restart(self) -> None:
        """Stop and start; what ran is handed back."""
        self.service.stop()
        self.start()


@dataclass(frozen=True, slots=True)
class Stack:
    """All of it; `url` is the web server's."""

    valkey: Valkey
    worker: Worker
    web: Web

    @property
    def url(self) -> str:
        """The web server's address."""
        return self.web.url

    def start(self) -> None:
        """Start worker and web and wait until both are there."""
        self.worker.start()
        self.web.start()

    def stop(self) -> None:
        """End worker and web."""
        self.web.service.stop()
        self.worker.service.stop()


def database_environment() -> dict[str, str]:
    """Return the environment that makes another process open the database of this test run."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return {"DATABASE_URL": f"sqlite:///{settings['NAME']}"}
    address = urlsplit(os.environ["DATABASE_URL"])
    return {"DATABASE_URL": address._replace(path=f"/{settings['NAME']}").geturl()}


def new_stack(
    valkey: Valkey, name: str, environment: dict[str, str] | None = None, *, application: str = GATED
) -> Stack:
    """Make a worker and a web, to be started. The environment is laid over theirs."""
    laid_over = database_environment() | (environment or {})
    worker, web = Worker(f"worker-{name}", laid_over), Web(f"web-{name}", laid_over, application=application)
    return Stack(valkey, worker, web)


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    """Start the suite's Redis server on the port of its REDIS_URL."""
    server = Valkey(urlsplit(places.redis_url()).port or 0, places.VAR / "redis")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_db(valkey: Valkey) -> Iterator[redis.Redis]:
    """Return a client of an emptied Redis."""
    valkey.empty()
    with valkey.client() as client:
        yield client


@pytest.fixture(scope="session")
def static_files() -> None:
    """Collect the static files, so that pages can name them."""
    assets.collect_if_changed()


class _SessionStack:
    """The session's worker and web; asleep while a test has its own, whose tasks its worker would take."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey
        self._stack: Stack | None = None

    def awake(self) -> Stack:
        """Return it, started."""
        if self._stack is None:
            self._stack = new_stack(self._valkey, "live", application=PLAIN)  # its pages are those of the product
            self._stack.start()
        elif not self._stack.worker.service.is_running:
            self._stack.worker.start()
        return self._stack

    def asleep(self) -> None:
        """Stop its worker."""
        if self._stack is not None:
            self._stack.worker.service.stop()

    def stop(self) -> None:
        """End it."""
        if self._stack is not None:
            self._stack.stop()


@pytest.fixture(scope="session")
def _session_stack(django_db_setup: None, valkey: Valkey, static_files: None) -> Iterator[_SessionStack]:
    session = _SessionStack(valkey)
    yield session
    session.stop()


@pytest.fixture
def live(transactional_db: None, redis_db: redis.Redis, _session_stack: _SessionStack) -> Iterator[Stack]:
    """Return the session's worker and web, with an empty database and an empty Redis."""
    stack = _session_stack.awake()
    yield stack
    _free(stack.worker)


def _free(worker: Worker) -> None:
    """Cancel what a test has left running: else the next one would wait for a worker that is busy."""
    from tasks_app import announce  # noqa: PLC0415  (benchmarks import this module before Django is set up)
    from tasks_app.models import Task  # noqa: PLC0415

    taken = Task.objects.filter(worker=worker.node, lease_until__isnull=False).exclude(state__in=FINAL)
    for key in taken.values_list("pk", flat=True):
        if Task.objects.filter(pk=key).request_cancel():
            announce.tell_worker(key)
    until(lambda: not (worker.service.is_running and taken.exists()), what="an idle worker")


@pytest.fixture
def workers(
    transactional_db: None, redis_db: redis.Redis, valkey: Valkey, _session_stack: _SessionStack
) -> Iterator[Callable[..., Worker]]:
    """Give a function that starts a worker for this test alone: `workers(name, environment, **options)`."""
    _session_stack.asleep()
    started: list[Worker] = []

    def start(name: str, environment: dict[str, str] | None = None, **options: Any) -> Worker:
        started.append(worker := Worker(name, database_environment() | (environment or {}), **options))
        worker.start()
        return worker

    yield start
    for worker in started:
        worker.service.stop()


@pytest.fixture
def stack(
    transactional_db: None, redis_db: redis.Redis, valkey: Valkey, _session_stack: _SessionStack
) -> Iterator[Stack]:
    """Start a worker and a web for this test alone, which may kill and restart them."""
    _session_stack.asleep()
    own = new_stack(valkey, "own")
    own.start()
    yield own
    own.stop()
