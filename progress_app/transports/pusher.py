"""Pusher Channels, by its official client library.

1. A task's state goes over a cache channel, so that who comes late gets the last event at once.
2. The library measures a text with `sys.getsizeof`, which is not its length in bytes; the publisher measures before.
3. Every message is one event of a batch, also a single one: one way through the service, one kind of answer.
"""

import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from progress_app.channels import parse
from progress_app.exceptions import UsageError
from progress_app.transports.base import TIMEOUT_S, Message, Unsent, fault_of, is_carried, library

_WIRE_NAME: Final = re.compile(r"[-a-zA-Z0-9_=@,.;]{1,164}")
THEIRS: Final = ("cache-", "encrypted-")  # after "private-" these would mean another kind of channel
_STATUS: Final = {"PusherBadRequest": 400, "PusherBadAuth": 401, "PusherForbidden": 403}


class PusherTransport:
    """As `Transport`.

    Args:
        app_id, key, secret: of the app; `app_id` is digits.
        cluster: where the app lives, "eu" for instance.
        url: of an own server that speaks the protocol, instead of the cluster.

    """

    name = "pusher"
    batch = 10
    limit_bytes = 10 * 1024

    def __init__(self, *, app_id: str, key: str, secret: str, cluster: str = "", url: str = "") -> None:
        self._key, self._cluster, self._url = key, cluster, urlsplit(url)
        place: dict[str, Any] = {"cluster": cluster}
        if url:
            tls = self._url.scheme == "https"
            place = {"host": self._url.hostname, "port": self._url.port or (443 if tls else 80), "ssl": tls}
        self._client = library("pusher", self.name).Pusher(app_id, key, secret, timeout=TIMEOUT_S, **place)

    def send(self, messages: Sequence[Message]) -> None:
        """As `Transport.send`."""
        batch = [{"channel": self.wire_name(m.channel), "name": m.event, "data": m.data.decode()} for m in messages]
        try:
            self._client.trigger_batch(batch, already_encoded=True)
        except Exception as error:  # noqa: BLE001  (of the library, of requests, of TLS)
            kind = type(error).__name__
            if kind == "PusherBadStatus":
                raise fault_of(int(str(error).partition(":")[0]), "Pusher") from None
            if kind in _STATUS:
                raise fault_of(_STATUS[kind], "Pusher") from None
            raise Unsent(f"Pusher cannot be reached ({kind}).") from None  # its text would quote the signed address

    def wire_name(self, channel: str) -> str | None:
        """As `Transport.wire_name`."""
        if not is_carried(channel) or channel.startswith(THEIRS):
            return None
        name = ("private-cache-" if parse(channel).is_state else "private-") + channel
        return name if _WIRE_NAME.fullmatch(name) else None

    def channel(self, wire_name: str) -> str | None:
        """Our name of a channel of theirs; None: it is none of ours."""
        channel = wire_name.removeprefix("private-").removeprefix("cache-")
        return channel if self.wire_name(channel) == wire_name else None

    def sign(self, wire_name: str, socket_id: str) -> dict[str, str]:
        """What lets this socket subscribe to this channel.

        Raises:
            UsageError: the socket id is none.

        """
        try:
            signed: dict[str, str] = self._client.authenticate(wire_name, socket_id)
        except ValueError as error:
            raise UsageError(f"socket_id={socket_id[:40]!r}: expected two numbers with a dot between them.") from error
        return signed

    def for_client(self) -> dict[str, Any]:
        """As `Transport.for_client`: `cluster`, or `host`, `port` and `tls` of an own server."""
        told: dict[str, Any] = {"key": self._key, "cluster": self._cluster}
        if self._url.hostname:
            tls = self._url.scheme == "https"
            told |= {"host": self._url.hostname, "port": self._url.port or (443 if tls else 80), "tls": tls}
        return told

    def close(self) -> None:
        """As `Transport.close`."""
        self._client._pusher_client.http.session.close()  # noqa: SLF001  (the library has no other way)
