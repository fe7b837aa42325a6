"""The contract of a transport: it takes a few messages at a time, within two seconds, or says what is wrong.

A transport knows its service and nothing of tasks. What it raises never holds a secret: texts of the client
libraries are left out, because they quote addresses with signatures in them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, Protocol

from progress_app.channels import Kind, parse
from progress_app.exceptions import ChannelNameError, ProgressError, UsageError

TIMEOUT_S: Final = 2.0  # longer means that the service is in trouble
CARRIED: Final = frozenset({Kind.TASK, Kind.TASK_LOG, Kind.USER, Kind.OTHER})  # rows of lists go over SSE alone
TOO_MANY: Final = 429
SERVER_ERROR: Final = 500


@dataclass(frozen=True, slots=True)
class Message:
    """One event for a channel: its position and name, and its data as UTF-8 JSON.

    `is_state`: the next one of the channel replaces it; `is_end`: no next one comes.
    """

    channel: str
    pos: int
    event: str
    data: bytes
    is_state: bool = False
    is_end: bool = False


class TransportMissing(UsageError):
    """The client library of the chosen transport is not installed."""


class Refused(ProgressError):
    """The service refuses us (credentials, quota): nothing will help but another configuration."""


class Unsent(ProgressError):
    """The service is away or busy: try again later.

    Attributes:
        retry_after_s: how long it asks us to wait, in seconds; 0 when it does not say.
        messages: those that were not taken; None: nobody knows, all of them are to be sent again.

    """

    def __init__(self, text: str, *, retry_after_s: float = 0.0, messages: Sequence[Message] | None = None) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s
        self.messages = messages


class Rejected(ProgressError):
    """The service does not take these messages, and never will; others it may."""


class Transport(Protocol):
    """One service. `send` is called by one thread at a time; the rest from anywhere.

    Attributes:
        name: as in PROGRESS_TRANSPORT.
        batch: messages that one call takes.
        limit_bytes: the longest data of one message.

    """

    name: str
    batch: int
    limit_bytes: int

    def send(self, messages: Sequence[Message]) -> None:
        """Hand the messages over, in this order; raises Refused, Unsent or Rejected."""

    def wire_name(self, channel: str) -> str | None:
        """What the service calls a channel; None: it does not carry it."""

    def for_client(self) -> dict[str, Any]:
        """What a browser needs to connect, nothing secret."""

    def close(self) -> None:
        """Give back what it holds."""


def is_carried(channel: str) -> bool:
    """Whether hosted transports carry the channel."""
    try:
        return parse(channel).kind in CARRIED
    except ChannelNameError:
        return False


def library(name: str, extra: str) -> Any:
    """The module of a client library.

    Raises:
        TransportMissing: it is not installed.

    """
    try:
        return import_module(name)
    except ImportError as error:
        raise TransportMissing(
            f"PROGRESS_TRANSPORT={extra!r} needs the client library of that service: pip install headway[{extra}]"
        ) from error


def fault_of(status: int, service: str, retry_after_s: float = 0.0) -> ProgressError:
    """The error that an HTTP status of a service means."""
    if status == TOO_MANY or status >= SERVER_ERROR:
        return Unsent(f"{service} answered {status}.", retry_after_s=retry_after_s)
    if status == 400:  # noqa: PLR2004
        return Rejected(f"{service} answered 400: it does not take these messages.")
    return Refused(f"{service} answered {status}: check its credentials, its quota and this machine's clock.")
