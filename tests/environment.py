"""The suite's environment, set before Django reads its settings (an early plugin: see addopts).

Each run has a folder of its own under var/tests/runs, so that two runs at once do not meet: it holds the logs of
started processes too. Screenshots are kept in var/tests.
"""

import atexit
import os
import shutil
import socket
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent
ARTEFACTS = BASE / "var" / "tests"
RUNS = ARTEFACTS / "runs"
RUN = RUNS / str(os.getpid())
KEPT_RUNS = 4

OURS = ("HEADWAY_", "PROGRESS_", "TASKS_", "EVENTSTREAM_", "WORKER_", "BROKER_", "DATABASE_", "REDIS_")
SINGLE = (
    "ALLOWED_HOSTS",
    "BEHIND_TLS_PROXY",
    "CSRF_TRUSTED_ORIGINS",
    "DEBUG",
    "DJANGO_SETTINGS_MODULE",
    "LOG_LEVEL",
    "MAINTAIN_EVERY_S",
    "SECRET_KEY",
    "SECRET_KEY_FILE",
    "TIME_ZONE",
)


def free_port() -> int:
    """Return a loopback port that nobody listens on, and that the system gives to nobody else during this run.

    A bound socket that does not listen keeps it from being handed out for an outgoing connection. A server whose
    socket has SO_REUSEADDR too, as servers' sockets have, may listen there all the same.
    """
    held = socket.socket()
    atexit.register(held.close)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return int(held.getsockname()[1])


def _forget_the_past() -> None:
    """Remove the folders of earlier runs, but for the newest and those still running."""
    folders = sorted(RUNS.glob("*"), key=lambda folder: folder.stat().st_mtime)
    for folder in folders[:-KEPT_RUNS]:
        if not _is_alive(int(folder.name)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _settle() -> None:
    database_url = os.environ.get("HEADWAY_TEST_DATABASE_URL", "")
    for name in list(os.environ):
        if name.startswith(OURS) or name in SINGLE:
            del os.environ[name]
    RUN.mkdir(parents=True, exist_ok=True)
    _forget_the_past()
    os.environ |= {
        "HEADWAY_VAR": str(RUN),
        "HEADWAY_WEAK_PASSWORD_HASHES": "1",
        "SECRET_KEY": "only-for-tests-" + "x" * 40,
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
    }
    if database_url:
        os.environ["DATABASE_URL"] = database_url


_settle()
