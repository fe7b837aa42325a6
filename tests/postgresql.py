"""A PostgreSQL of the test's own, for tests with the mark `deploy` and the long run of tests/faults."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.environment import free_port

USER = "headway"
PROGRAMS = Path("/usr/lib/postgresql")  # where Debian keeps them, one folder a version


def program(name: str) -> str:
    """Return the path of one of PostgreSQL's programs, the newest version's; fails when it is not installed."""
    found = sorted(PROGRAMS.glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    path = str(found[-1]) if found else shutil.which(name)
    assert path, f"{name} is not installed: apt-get install postgresql"
    return path


def _run(command: list[str]) -> None:
    """Run a command as who may run PostgreSQL, which refuses root."""
    account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    ended = subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if "start" not in command else subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        cwd="/",
        text=True,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
    )
    assert ended.returncode == 0, f"{' '.join(command)}:\n{ended.stdout}"


class Postgresql:
    """A server with an empty database `headway`; `url` and `socket_url` are its addresses."""

    def __init__(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="headway-postgresql-"))
        if os.geteuid() == 0:
            os.chown(self._home, pwd.getpwnam("postgres").pw_uid, -1)
        self._data, self._port = self._home / "data", free_port()
        _run([program("initdb"), "-D", str(self._data), "-U", USER, "--auth=trust", "--encoding=UTF8", "--no-sync"])
        self.url = f"postgres://{USER}:any@127.0.0.1:{self._port}/{USER}"
        self.socket_url = f"postgres://{USER}:any@{quote(str(self._home), safe='')}:{self._port}/{USER}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c fsync=off -k {self._home}"
        self._control("-l", str(self._home / "log"), "-o", options, "start")

    def create_database(self) -> None:
        """Create the database `headway`."""
        _run([program("createdb"), "-h", "127.0.0.1", "-p", str(self._port), "-U", USER, USER])

    def stop(self) -> None:
        """Stop the server as a crash would; every connection breaks."""
        self._control("-m", "immediate", "stop")

    def remove(self) -> None:
        """Stop the server and delete its data."""
        self.stop()
        shutil.rmtree(self._home)

    def _control(self, *words: str) -> None:
        _run([program("pg_ctl"), "-D", str(self._data), "-w", *words])


@contextmanager
def server() -> Iterator[Postgresql]:
    """Run a server with an empty database `headway`."""
    started = Postgresql()
    started.start()
    try:
        started.create_database()
        yield started
    finally:
        started.remove()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Postgresql]:
    """Start a server with an empty database."""
    with server() as started:
        yield started


@pytest.fixture(scope="session")
def postgresql(postgresql_server: Postgresql) -> str:
    """Return the URL of the server's database."""
    return postgresql_server.url
