"""Pusher Channels for tests: the signed HTTP API, and protocol 7 of its WebSocket.

Covered: events and batch_events with the signature, clock and body checks; 10 KB an event, 100 channels an event, 10
events a batch, 164 characters a channel; public, private and cache channels (the last event, for a late subscriber);
error codes of connections. Not covered: presence and encrypted channels, client events, users, webhooks, counts.
"""

import hashlib
import hmac
import itertools
import json
import re
import time
from typing import Any

from tests.emulators.desk import Desk, Refusal, Request, Response, Socket

APP_ID, KEY, SECRET = "1", "the-key", "the-secret"
CLOCK_S = 600
MOST_BYTES = 10 * 1024
MOST_CHANNELS = 100
MOST_EVENTS = 10
NAME = re.compile(r"[-a-zA-Z0-9_=@,.;]{1,164}")
ACTIVITY_S = 120


def sign(text: str) -> str:
    return hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()


class Pusher:
    """One app."""

    def __init__(self) -> None:
        self._members: dict[str, set[Socket]] = {}
        self._last: dict[str, dict[str, Any]] = {}
        self._numbers = itertools.count(1)

    def publishes(self, request: Request) -> bool:
        return request.method == "POST"

    # The HTTP API

    async def answer(self, request: Request, desk: Desk) -> Response:
        check_signature(request)
        body = json.loads(request.body or b"{}")
        match request.method, request.path.split("/")[3:]:
            case "POST", ["events"]:
                events = [body | {"channel": name} for name in body.get("channels") or [body["channel"]]]
                refuse_if(len(events) > MOST_CHANNELS, 400, f"at most {MOST_CHANNELS} channels can be given")
            case "POST", ["batch_events"]:
                events = body["batch"]
                refuse_if(len(events) > MOST_EVENTS, 400, f"Batch too large (> {MOST_EVENTS})")
            case "GET", ["channels"]:
                return Response({"channels": {name: {} for name, members in self._members.items() if members}})
            case _:
                return Response("Not found", 404)
        for event in events:
            check_event(event)
        for event in events:
            desk.note(event["channel"], event["name"], event["data"])
            await self._publish(event)
        return Response({})

    async def _publish(self, event: dict[str, Any]) -> None:
        channel = event["channel"]
        told = {"event": event["name"], "channel": channel, "data": event["data"]}
        if is_cache(channel):
            self._last[channel] = told
        for socket in list(self._members.get(channel, ())):
            await socket.write(told)

    # The WebSocket

    async def serve(self, socket: Socket) -> None:
        number = f"{next(self._numbers)}.{time.time_ns() % 1_000_000_000}"
        if fault := refused(socket):
            await socket.write(error(*fault))
            await socket.close(fault[0])
            return
        opening = json.dumps({"socket_id": number, "activity_timeout": ACTIVITY_S})
        await socket.write({"event": "pusher:connection_established", "data": opening})
        try:
            while message := await socket.read():
                await self._hear(socket, number, message["event"], message.get("data") or {})
        finally:
            for members in self._members.values():
                members.discard(socket)

    async def _hear(self, socket: Socket, number: str, event: str, data: dict[str, Any]) -> None:
        match event:
            case "pusher:ping":
                await socket.write({"event": "pusher:pong", "data": "{}"})
            case "pusher:subscribe":
                await self._subscribe(socket, number, data["channel"], data.get("auth", ""))
            case "pusher:unsubscribe":
                self._members.get(data["channel"], set()).discard(socket)
            case _:
                await socket.write(error(4301, f"Client event rejected: {event}"))

    async def _subscribe(self, socket: Socket, number: str, channel: str, auth: str) -> None:
        expected = f"{KEY}:{sign(f'{number}:{channel}')}"
        if not NAME.fullmatch(channel):
            await socket.write(error(None, f"Invalid channel name {channel!r}"))
        elif channel.startswith("private-") and not hmac.compare_digest(auth, expected):
            text = f"Invalid signature: Expected HMAC SHA256 hex digest of {number}:{channel}, but got {auth}"
            await socket.write(error(None, text))
        else:
            self._members.setdefault(channel, set()).add(socket)
            await socket.write({"event": "pusher_internal:subscription_succeeded", "channel": channel, "data": "{}"})
            if is_cache(channel):
                miss = {"event": "pusher:cache_miss", "channel": channel}
                await socket.write(self._last.get(channel, miss))


def check_signature(request: Request) -> None:
    given = dict(request.query)
    signature = given.pop("auth_signature", "")
    refuse_if(given.get("auth_key") != KEY, 401, f"auth_key should be a valid app key: {given.get('auth_key')}")
    refuse_if(request.path.split("/")[2] != APP_ID, 404, f"No app with id {request.path.split('/')[2]}")
    refuse_if(given.get("auth_version") != "1.0", 401, "auth_version should be 1.0")
    skew_s = abs(time.time() - float(given.get("auth_timestamp", 0)))
    refuse_if(skew_s > CLOCK_S, 401, f"Timestamp expired: not within {CLOCK_S}s of server time")
    if request.method == "POST":
        digest = hashlib.md5(request.body, usedforsecurity=False).hexdigest()
        refuse_if(given.get("body_md5") != digest, 401, "body_md5 does not match the body")
    query = "&".join(f"{name}={given[name]}" for name in sorted(given))
    expected = sign(f"{request.method}\n{request.path}\n{query}")
    refuse_if(not hmac.compare_digest(signature, expected), 401, "Invalid signature")


def check_event(event: dict[str, Any]) -> None:
    channel, data = event["channel"], event["data"]
    refuse_if(not NAME.fullmatch(channel), 400, f"Invalid channel name: {channel}")
    refuse_if(len(event["name"]) > 200, 400, "Event name too long")
    refuse_if(not isinstance(data, str), 400, "data should be a string")
    size = len(data.encode())
    refuse_if(size > MOST_BYTES, 413, f"The data content of this event exceeds the allowed maximum ({size} bytes)")


def refuse_if(refused: bool, status: int, text: str) -> None:
    if refused:
        raise Refusal(Response(text + "\n", status))


def refused(socket: Socket) -> tuple[int, str] | None:
    """Return code and text for a connection that cannot be, None for a good one."""
    key, protocol = socket.path.removeprefix("/app/"), socket.query.get("protocol")
    if key != KEY:
        return 4001, f"App key {key} not in this cluster. Did you forget to specify the cluster?"
    if protocol is None:
        return 4008, "No protocol version supplied"
    return None if protocol == "7" else (4007, f"Unsupported protocol version: {protocol}")


def error(code: int | None, text: str) -> dict[str, Any]:
    return {"event": "pusher:error", "data": {"code": code, "message": text}}


def is_cache(channel: str) -> bool:
    return re.match(r"(private-)?cache-", channel) is not None


application = Desk(Pusher)
