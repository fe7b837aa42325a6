"""What `up` may be told on its command line: bare Python, so a slip is said before anything is installed."""

import argparse
import errno
import socket
from collections.abc import Sequence
from dataclasses import dataclass

HIGHEST_PORT = 65_535

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - with our own address there; only compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Where the web server listens, and how many jobs the worker runs at once."""

    host: str
    port: int
    concurrency: int

    @property
    def address(self) -> str:
        """Return the address to open in a browser on this machine, with a slash at its end."""
        own = EVERYWHERE.get(self.host, self.host)
        return f"http://{f'[{own}]' if ':' in own else own}:{self.port}/"

    @property
    def is_open(self) -> bool:
        """Return whether it listens on every address of the machine, so that people come by names nobody told us."""
        return self.host in EVERYWHERE


def parse(arguments: Sequence[str]) -> Options:
    """Return the options; ends the process with usage and exit code 2 when one is wrong."""
    parser = argparse.ArgumentParser(prog="manage.py up", description="Start Headway: everything it needs.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", default=8000, type=_port, help="port to listen on (default: %(default)s)")
    parser.add_argument(
        "--concurrency",
        default=2,
        type=_count,
        metavar="N",
        help="jobs that run at once (default: %(default)s)",
    )
    given = parser.parse_args(arguments)
    return Options(host=given.host, port=given.port, concurrency=given.concurrency)


def refuse_taken_port(options: Options) -> None:
    """End the process with one line when the web server could not listen there."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((options.host, options.port))
    except OSError as fault:
        where = f"Port {options.port} on {options.host}"
        if fault.errno == errno.EADDRINUSE:
            remedy = f"stop what listens there, or choose another with --port {_next(options.port)}"
            raise SystemExit(f"{where} is taken: {remedy}.") from fault
        reason = fault.strerror or fault
        raise SystemExit(f"{where} cannot be used ({reason}): choose another --host or --port.") from fault


def _next(port: int) -> int:
    return port + 1 if port < HIGHEST_PORT else port - 1


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text}: expected a port from 1 to {HIGHEST_PORT}")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected a whole number ≥ 1")
    return int(text)
