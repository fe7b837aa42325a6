"""`up`: starts Redis, the workers, beat and the web server, keeps them running, and ends them together.

1. Children get no Ctrl-C from the terminal (each has a session of its own): they are ended in order, first
   those that use Redis, then Redis.
2. Each is on a leash (config.leash), so that a killed supervisor leaves nothing running.
3. Everything is started from the main thread, which also is the only one.
"""

import fcntl
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from types import FrameType

from config import assets, broker, env, first_admin, options, outside, places, vendor
from config.child import Child, python

DRAIN_S = 2  # what open streams and running jobs get at the end
SERVER_BACKSTOP_S = DRAIN_S + 2
END_WITHIN_S = 3.8  # workers, beat and web; Redis has the rest of the promised 5 s
REDIS_END_WITHIN_S = 0.8
READY_WITHIN_S = 90.0
LOCK_WITHIN_S = 5.0  # a killed supervisor's Redis needs a moment to let its data go
LOOK_EVERY_S = 0.1
CELERY_APP = ("-A", "config.celery")
CELERY_ENVIRONMENT = {
    "REMAP_SIGTERM": "SIGQUIT",
    "WORKER_SOFT_SHUTDOWN_S": str(DRAIN_S),
    "BROKER_SOCKET_TIMEOUT_S": "5",
    # In a container one is root, and would read this at every start.
    "PYTHONWARNINGS": "ignore:You're running the worker with superuser",
}


class StopRequested(BaseException):
    """Somebody pressed Ctrl-C or sent SIGTERM."""


class Supervisor:
    """The processes of one `up`."""

    def __init__(self, chosen: options.Options) -> None:
        self._options = chosen
        self._redis: Child | None = None
        self._children: list[Child] = []

    def run(self) -> None:
        """Start everything and keep it running, until StopRequested; end everything, whatever happened."""
        try:
            self._start()
            while True:
                self._tend()
        finally:
            _ignore_signals()
            self._end()

    def _start(self) -> None:
        began_at = time.monotonic()
        self._choose_redis(lock())
        password = _prepare_project()
        for child in _workers(self._options.concurrency):
            self._launch(child)
        vendor.install_if_chosen()
        assets.collect_if_changed()
        self._launch(_web(self._options))
        self._wait_until_ready()
        _greet(self._options, password, time.monotonic() - began_at)

    def _choose_redis(self, lock: int) -> None:
        url = env.text("REDIS_URL")
        found = broker.given(url) if url else broker.own(lock, self._adopt_redis)
        broker.remember(found.url, places.REDIS_URL_FILE)
        os.environ["REDIS_URL"] = found.url

    def _adopt_redis(self, child: Child) -> None:
        self._redis = child

    def _launch(self, child: Child) -> None:
        self._children.append(child)
        child.start()

    def _tend(self) -> None:
        for child in (self._redis, *self._children):
            if child:
                child.revive(say)
        time.sleep(LOOK_EVERY_S)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while not _is_healthy(f"{self._options.address}health/"):
            if time.monotonic() > deadline:
                raise SystemExit(f"The health page did not answer within {READY_WITHIN_S:g} s (see above).")
            self._tend()

    def _end(self) -> None:
        deadline = time.monotonic() + END_WITHIN_S
        for child in self._children:
            child.ask_to_end()
        for child in self._children:
            if not child.end_by(deadline):
                say(f"{child.name} did not end in time and was killed.")
        if self._redis:
            self._redis.ask_to_end()
            self._redis.end_by(time.monotonic() + REDIS_END_WITHIN_S)


def say(line: str) -> None:
    """Write one line to the terminal."""
    print(f"headway: {line}", flush=True)  # noqa: T201 - the supervisor speaks to the terminal


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `up` until it is told to stop."""
    chosen = options.parse(sys.argv[1:] if arguments is None else arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _request_stop)
    try:
        Supervisor(chosen).run()
    except StopRequested:
        say("everything has ended.")


def _request_stop(_number: int, _frame: FrameType | None) -> None:
    _ignore_signals()
    say("ending …")
    raise StopRequested


def _ignore_signals() -> None:
    """A second Ctrl-C must not leave processes behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def lock() -> int:
    """Lock var/ for this `up`; ends the process with one line when another one runs there."""
    file = places.VAR / "run" / "up.lock"
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + LOCK_WITHIN_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise SystemExit(f"Headway already runs with {places.VAR}: stop that one first.") from None
            time.sleep(LOOK_EVERY_S)
        else:
            return descriptor


def _prepare_project() -> str | None:
    """Set Django up, migrate, and make the first account; return its password if one was made up."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django  # noqa: PLC0415 - after REDIS_URL is known
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connections  # noqa: PLC0415

    django.setup()
    outside.refuse_database(env.text("DATABASE_URL"))
    call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
    password = first_admin.ensure()
    connections.close_all()
    return password


def _workers(concurrency: int) -> list[Child]:
    """Return the worker for jobs, one for the long ones, one for the urgent, the small one for maintenance, and beat.

    A job with `queue="long"` has a slot of its own, so that it never keeps the others waiting; so has one with
    `queue="urgent"`, which never waits for them: what cancels every running task would else wait for their slots.

    A worker takes SIGTERM for "wait until the job is done" unless REMAP_SIGTERM says otherwise. Its own
    children die with it, so its leash is SIGKILL.
    """
    # Talk among workers at a start takes a second, and nothing here listens to it.
    worker = ("--quiet", *CELERY_APP, "worker", "--without-mingle", "--without-gossip")
    jobs = [*worker, "-n", "worker@%h", "-Q", "default", "-c", str(concurrency), "-l", "info"]
    long = [*worker, "-n", "long@%h", "-Q", "long", "-c", "1", "-l", "info"]
    urgent = [*worker, "-n", "urgent@%h", "-Q", "urgent", "-c", "1", "-l", "info"]
    upkeep = [*worker, "-n", "maintenance@%h", "-Q", "maintenance", "-P", "solo", "-l", "warning"]
    beat = ["--quiet", *CELERY_APP, "beat", "-l", "warning", "--pidfile="]
    return [
        _celery("worker", jobs, signal.SIGKILL),
        _celery("long", long, signal.SIGKILL),
        _celery("urgent", urgent, signal.SIGKILL),
        _celery("maintenance", upkeep, signal.SIGKILL),
        _celery("beat", beat, signal.SIGTERM),
    ]


def _celery(name: str, arguments: Sequence[str], on_orphaned: signal.Signals) -> Child:
    command = python("-m", "celery", *arguments)
    return Child(name=name, command=command, environment=CELERY_ENVIRONMENT, on_orphaned=on_orphaned)


def _web(chosen: options.Options) -> Child:
    """Return the web server: one process, no access log, because query strings carry tokens."""
    where = ["--host", chosen.host, "--port", str(chosen.port)]
    rest = [
        "--no-access-log",
        "--log-level",
        "warning",
        "--timeout-graceful-shutdown",
        str(SERVER_BACKSTOP_S),
    ]
    drain = {"PROGRESS_DRAIN_S": str(DRAIN_S)}
    if not env.text("ALLOWED_HOSTS"):
        drain["ALLOWED_HOSTS"] = f"{chosen.host},{socket.gethostname()}"
    return Child(
        name="web",
        command=python("-m", "uvicorn", "config.asgi:application", *where, *rest),
        environment=drain,
    )


def _is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)  # noqa: PLR2004 - OK
    except (urllib.error.URLError, OSError):
        return False


def _greet(chosen: options.Options, password: str | None, took_s: float) -> None:
    say(f"ready after {took_s:.1f} s at {chosen.address}")
    if password:
        say(f"log in as {first_admin.NAME} with the password {password} (shown only this once).")
    else:
        forgotten = f".venv/bin/python manage.py changepassword {first_admin.NAME}"
        say(f"log in as {first_admin.NAME}; if you forgot the password: {forgotten}")
    if chosen.is_open and not env.text("ALLOWED_HOSTS"):
        say(f"others reach it as {socket.gethostname()}; any other name or address must stand in ALLOWED_HOSTS.")
    say("Ctrl-C ends everything.")


if __name__ == "__main__":
    main()
