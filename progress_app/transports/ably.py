"""Ably, by its official client library.

1. Ably refuses a key over plain HTTP, which only an emulator speaks: there the library asks for a token first.
2. A batch may be taken in part; the answer says for each channel what became of it.
3. `make_request` and not `request`: the latter loses the status of an answer that is no JSON, a proxy's for instance.
4. The body of a batch is bounded too, at 2 MiB. The library writes a letter of two bytes as six, so ten messages of the
   longest may have 1.8 MiB.
5. 40112 is a used-up account under the status of a wrong key. Neither gets better by trying again.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

from progress_app.exceptions import ProgressError
from progress_app.transports.base import TIMEOUT_S, Message, Unsent, fault_of, is_carried, library

VERSION: Final = "2"
RIGHTS: Final = ["subscribe", "history"]
TTL_MS: Final = 3_600_000
PARTLY: Final = "40020"
TOKEN_FAULTS: Final = range(40_140, 40_150)


class AblyTransport:
    """As `Transport`.

    Args:
        key: "app.key:secret".
        url: of an emulator, instead of the service.

    """

    name = "ably"
    batch = 10
    limit_bytes = 60 * 1024  # 64 KiB on the free plan, with the message's name and what surrounds it

    def __init__(self, *, key: str, url: str = "") -> None:
        self._url = urlsplit(url)
        place: dict[str, Any] = {}
        if url:
            tls = self._url.scheme == "https"
            port = {"tls_port" if tls else "port": self._url.port}
            place = {"endpoint": self._url.hostname, "tls": tls, "use_token_auth": not tls, **port}
        self._client = library("ably.sync", self.name).AblyRestSync(
            key, use_binary_protocol=False, http_open_timeout=TIMEOUT_S, http_request_timeout=TIMEOUT_S,
            http_max_retry_duration=TIMEOUT_S, **place,
        )  # fmt: skip

    def send(self, messages: Sequence[Message]) -> None:
        """As `Transport.send`."""
        specs = [{"channels": [m.channel], "messages": [{"name": m.event, "data": m.data.decode()}]} for m in messages]
        try:
            answer = self._client.http.make_request(
                "POST", "/messages", version=VERSION, body=specs, raise_on_error=False
            )
        except Exception as error:  # noqa: BLE001  (of the library, of httpx, of TLS)
            status = getattr(error, "status_code", None)
            if status is not None:
                raise fault_of(status, "Ably") from None
            raise Unsent(f"Ably cannot be reached ({type(error).__name__}).") from None
        if not answer.is_success:
            raise self._fault(answer, messages)

    def _fault(self, answer: Any, messages: Sequence[Message]) -> ProgressError:
        code = answer.headers.get("x-ably-errorcode", "")
        if code == PARTLY:
            return _partial(answer.to_native()["batchResponse"], messages)
        if code.isdigit() and int(code) in TOKEN_FAULTS:
            with suppress(Exception):  # what keeps us from a token is met again, and told, at the next try
                self._client.auth.authorize()
            return Unsent("Ably asked for a new token.")
        retry_after = answer.headers.get("retry-after", "")
        return fault_of(answer.status_code, "Ably", float(retry_after) if retry_after.isdigit() else 0.0)

    def wire_name(self, channel: str) -> str | None:
        """As `Transport.wire_name`: our own names, but none that a token would take for a pattern of several."""
        return channel if is_carried(channel) and channel[0] not in ":[" and "*" not in channel else None

    def token_request(self, channels: Sequence[str], *, user: str) -> dict[str, Any]:
        """A signed request with which a browser gets a token for these channels alone; made without asking Ably."""
        asked = {"capability": dict.fromkeys(channels, RIGHTS), "client_id": user, "ttl": TTL_MS}
        signed: dict[str, Any] = self._client.auth.create_token_request(asked).to_dict()
        return signed

    def for_client(self) -> dict[str, Any]:
        """As `Transport.for_client`: nothing, or `host`, `port` and `tls` of an emulator."""
        if not self._url.hostname:
            return {}
        return {"host": self._url.hostname, "port": self._url.port, "tls": self._url.scheme == "https"}

    def close(self) -> None:
        """As `Transport.close`."""
        self._client.close()


def _partial(results: Sequence[dict[str, Any]], messages: Sequence[Message]) -> ProgressError:
    """What to do about a batch that was taken in part: send the rest again, or let it be."""
    failed = [(m, r["error"]["statusCode"]) for m, r in zip(messages, results, strict=True) if "error" in r]
    again = [message for message, status in failed if isinstance(fault_of(status, "Ably"), Unsent)]
    if again:
        return Unsent(f"Ably did not take {len(again)} of {len(messages)} messages.", messages=again)
    return fault_of(400, "Ably")
