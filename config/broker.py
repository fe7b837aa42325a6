"""The Redis of `up`: the one that REDIS_URL names, else a server of its own, with its data under var/."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

from config import outside, places, valkey
from config.child import Child

READY_WITHIN_S = 15.0
LOOK_EVERY_S = 0.02
STARTS = 3  # another program may take the free port between our look and the server's


class Broker:
    """A Redis that answers at `url`; `child` is the server started for it, None for a given one."""

    def __init__(self, url: str, child: Child | None) -> None:
        self.url = url
        self.child = child


def given(url: str) -> Broker:
    """Return the Redis at this URL; ends the process with one line when it does not answer."""
    outside.refuse_redis(url)
    return Broker(url, None)


def own(lock: int, adopt: Callable[[Child], None]) -> Broker:
    """Start a server on a free port and wait until it answers.

    Args:
        lock: file descriptor of the lock on var/; the server keeps it, so that no second one opens its data.
        adopt: told of the child before it is started, so that it is ended whatever happens.
    """
    try:
        server = valkey.find_server()
    except valkey.ServerUnusableError as fault:
        raise SystemExit(str(fault)) from fault
    folder = server.folder(places.VAR)
    log = places.VAR / "log" / f"{server.name}.log"
    for place in (folder, log.parent):
        place.mkdir(parents=True, exist_ok=True)
    for _ in range(STARTS):
        port = _free_port()
        command = [*server.command(port, folder), "--logfile", str(log)]
        child = Child(name=server.name, command=command, inherited=(lock,))
        adopt(child)
        child.start()
        if _answers(child, port):
            return Broker(f"redis://127.0.0.1:{port}/0", child)
    raise SystemExit(f"{server.path} does not start with its data in {folder}: read {log}, or set REDIS_URL.")


def remember(url: str, file: Path) -> None:
    """Write the address for commands run beside `up`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    draft.write_text(url, encoding="utf-8")
    draft.replace(file)


def _answers(child: Child, port: int) -> bool:
    """Wait for a PONG; False when the server ended instead. While it reads its data it answers LOADING."""
    deadline = time.monotonic() + READY_WITHIN_S
    while child.is_running and time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                if connection.recv(16).startswith(b"+PONG"):
                    return True
        except OSError:
            pass
        time.sleep(LOOK_EVERY_S)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
