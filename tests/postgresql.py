"""A PostgreSQL of the test's own, for tests with the mark `deploy`."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Start a server with an empty database `headway`; return its URL."""
    with server() as url:
        yield url


@contextmanager
def server() -> Iterator[str]:
    """Run a server with an empty database `headway`, at this URL."""
    home = Path(tempfile.mkdtemp(prefix="headway-postgresql-"))
    if os.geteuid() == 0:
        os.chown(home, pwd.getpwnam("postgres").pw_uid, -1)
    data, port = home / "data", free_port()
    _run([program("initdb"), "-D", str(data), "-U", USER, "--auth=trust", "--encoding=UTF8", "--no-sync"])
    control = [program("pg_ctl"), "-D", str(data), "-w"]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -k {home}"
    _run([*control, "-l", str(home / "log"), "-o", options, "start"])
    _run([program("createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", USER, USER])
    yield f"postgres://{USER}:any@127.0.0.1:{port}/{USER}"
    _run([*control, "-m", "immediate", "stop"])
    shutil.rmtree(home)
