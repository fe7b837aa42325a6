"""A GRIP proxy such as Pushpin, by the client library that django-eventstream brings: the proxy holds the streams.

1. What is published has django-eventstream's wire form, as its own view answers: `id: %I` stands for all positions of
   the viewer, which the proxy fills in, and a per cent sign beside it is doubled.
2. A state has no position there: the proxy would ask for those that were conflated away.
3. A log entry names the one before it, so the proxy notices a gap and asks us.
4. A kick closes the connections that the proxy holds for somebody: who still may watch is back in a moment.
5. Anybody can send a `Grip-Sig` header. Only a signature made with the proxy's key says that the proxy asks.
"""

import re
from collections.abc import Sequence
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from gripcontrol import GripPubControl, HttpStreamFormat, parse_grip_uri, validate_sig
from pubcontrol import Item

from progress_app.sse import frame
from progress_app.transports.base import TIMEOUT_S, Message, Unsent, fault_of, is_carried

KICK: Final = "kick "  # before what the proxy calls those to let go; it holds a blank, so that no viewer can ask for it
EVERYBODY: Final = "everybody"
_STATUS: Final = re.compile(r"failed status code (\d{3})")


class GripTransport:
    """As `Transport`. `url` is that of the proxy's control port, with `iss` and `key` in its query."""

    name = "grip"
    batch = 50
    limit_bytes = 60 * 1024  # a proxy holds a message in memory for each of its viewers

    def __init__(self, *, url: str) -> None:
        self._proxy = GripPubControl(parse_grip_uri(url))
        for client in self._proxy.clients:  # the library sets no time-out of its own
            client.requests_session.request = partial(client.requests_session.request, timeout=TIMEOUT_S)

    def send(self, messages: Sequence[Message]) -> None:
        """As `Transport.send`."""
        faults: list[tuple[Message, str]] = []

        def answered(message: Message, is_sent: bool, told: str) -> None:  # noqa: FBT001  (the library's signature)
            if not is_sent:
                faults.append((message, told))

        for message in messages:
            self._proxy.publish(self.wire_name(message.channel), _item(message), callback=partial(answered, message))
        self._proxy.wait_all_sent()
        if not faults:
            return
        if status := _STATUS.search(faults[0][1]):
            raise fault_of(int(status[1]), "The GRIP proxy")
        unsent = [message for message, _ in faults]
        raise Unsent("The GRIP proxy cannot be reached.", messages=unsent)  # the library's text has the address

    def wire_name(self, channel: str) -> str | None:
        """As `Transport.wire_name`; a kick's channel is the one on which the proxy holds who is to go."""
        if channel.startswith(KICK):
            return channel.removeprefix(KICK)
        return f"events-{quote(channel)}" if is_carried(channel) else None

    def for_client(self) -> dict[str, Any]:
        """As `Transport.for_client`: nothing, a browser only sees a stream."""
        return {}

    def close(self) -> None:
        """As `Transport.close`."""
        self._proxy.close()


def kick_of(user: str | None) -> Message:
    """What ends the streams that the proxy holds for a user, None: for everybody."""
    return Message(KICK + (EVERYBODY if user is None else f"user-{user}"), 0, "kick", b"")


def _item(message: Message) -> Item:
    if message.channel.startswith(KICK):
        return Item(HttpStreamFormat(close=True))
    data = message.data
    if not message.is_state:
        data = data.replace(b'{"pos":%d,' % message.pos, b"{", 1)  # the id has it
    event = frame(message.event, data)
    if message.is_state:
        return Item(HttpStreamFormat(event.plain.decode()))
    head, rest = event.plain[: event.split].decode(), event.plain[event.split :].decode()
    content = head.replace("%", "%%") + "id: %I\n" + rest.replace("%", "%%")
    told = HttpStreamFormat(content, content_filters=["build-id"])
    return Item(told, id=str(message.pos), prev_id=str(message.pos - 1))


class Signatures:
    """Tells requests of the proxy from all others; without a key nothing is the proxy's."""

    def __init__(self, url: str) -> None:
        proxy = parse_grip_uri(url) if url else {}
        self._key = proxy.get("verify_key", proxy.get("key"))
        self._iss = proxy.get("verify_iss")

    def fits(self, signature: str) -> bool:
        """Whether a `Grip-Sig` header was made with the proxy's key and has not expired."""
        return bool(self._key and signature) and bool(validate_sig(signature, self._key, iss=self._iss))
