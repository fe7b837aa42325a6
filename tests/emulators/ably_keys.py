"""Who an emulated Ably lets in: its one key, and tokens from signed TokenRequests."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

from tests.emulators.desk import Refusal, Request, Response

KEY_NAME, KEY_SECRET = "app.key", "the-secret"
KEY = f"{KEY_NAME}:{KEY_SECRET}"
CLOCK_MS = 120_000
TTL_MS = 3_600_000
ALL = {"*": ["*"]}


class Fault(Exception):
    """What Ably refuses, with its code and HTTP status."""

    def __init__(self, status: int, code: int, text: str) -> None:
        super().__init__(text)
        self.told = {"statusCode": status, "code": code, "message": text}

    @property
    def refusal(self) -> Refusal:
        headers = {"x-ably-errorcode": str(self.told["code"]), "x-ably-errormessage": str(self.told["message"])}
        return Refusal(Response({"error": self.told}, int(str(self.told["statusCode"])), headers))


@dataclass
class Token:
    """What its bearer may do until it expires (Unix time in ms)."""

    capability: dict[str, list[str]]
    expires_ms: float = float("inf")
    client_id: str | None = None

    def check(self, channel: str, operation: str) -> None:
        rights = [*self.capability.get(channel, []), *self.capability.get("*", [])]
        if operation not in rights and "*" not in rights:
            raise Fault(401, 40160, f"Channel denied access based on given capability; channelId = {channel}")


class Keys:
    """The key of the app, and the tokens that were issued for it."""

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}
        self._nonces: set[str] = set()

    def issue(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        if name != KEY_NAME or request.get("keyName") != name:
            raise Fault(401, 40400, f"No application found with key name {name}")
        if not hmac.compare_digest(str(request.get("mac", "")), mac_of(request)):
            raise Fault(401, 40101, "Invalid credentials: the request's mac does not fit")
        if abs(now_ms() - request["timestamp"]) > CLOCK_MS:
            raise Fault(401, 40104, "Timestamp not current")
        if request["nonce"] in self._nonces:
            raise Fault(401, 40105, "Nonce value replayed")
        self._nonces.add(request["nonce"])
        capability = json.loads(request.get("capability") or json.dumps(ALL))
        expires_ms = now_ms() + (request.get("ttl") or TTL_MS)
        self._tokens[token := "app." + secrets.token_urlsafe(24)] = Token(
            capability, expires_ms, request.get("clientId")
        )
        told = {"token": token, "keyName": name, "issued": now_ms(), "expires": expires_ms}
        return told | {"capability": json.dumps(capability), "clientId": request.get("clientId")}

    def bearer(self, request: Request) -> Token:
        kind, _, credentials = request.headers.get("authorization", "").partition(" ")
        try:
            text = base64.b64decode(credentials).decode()
        except ValueError as error:
            raise Fault(401, 40101, "Invalid credentials") from error
        return self.admit(key=text) if kind == "Basic" else self.admit(token=text)

    def admit(self, *, key: str = "", token: str = "") -> Token:
        if key:
            if not hmac.compare_digest(key, KEY):
                raise Fault(401, 40101, f"No application found or wrong secret for key {key.partition(':')[0]}")
            return Token(ALL)
        found = self._tokens.get(token)
        if found is None:
            raise Fault(401, 40140, "Token not recognised")
        if found.expires_ms < now_ms():
            raise Fault(401, 40142, "Token expired")
        return found


def mac_of(request: dict[str, Any]) -> str:
    names = ("keyName", "ttl", "capability", "clientId", "timestamp", "nonce")
    text = "".join(f"{'' if request.get(name) is None else request[name]}\n" for name in names)
    return base64.b64encode(hmac.new(KEY_SECRET.encode(), text.encode(), hashlib.sha256).digest()).decode()


def now_ms() -> int:
    return int(time.time() * 1000)
