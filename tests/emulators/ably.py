"""Ably for tests: REST publishing, tokens, and the realtime protocol in JSON.

Covered: basic authentication and tokens from signed TokenRequests (signature, clock, each nonce once, capability),
publishing one by one and in a batch (limits, partial failure), time; attach with `rewind`, detach, publishing over
the socket where the capability lets, heartbeats, a new token on an open connection, history of a channel.
Not covered: the binary protocol, presence, resuming a connection (a client that comes back is a new one), deltas,
JWT, push, stats, rates.
"""

import asyncio
import itertools
import json
import secrets
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from tests.emulators.ably_keys import CLOCK_MS, Fault, Keys, Token, now_ms
from tests.emulators.desk import Desk, Request, Response, Socket

MOST_BYTES = 64 * 1024
MOST_BODY_BYTES = 2 * 1024 * 1024
MOST_CHANNELS = 100
KEPT = 100
MODES = 1 << 17 | 1 << 18  # may publish and subscribe, as the client library reads it
IDLE_MS = 15_000


class Action(IntEnum):
    """What a message of the realtime protocol is about."""

    HEARTBEAT = 0
    ACK = 1
    NACK = 2
    CONNECTED = 4
    CLOSE = 7
    CLOSED = 8
    ERROR = 9
    ATTACH = 10
    ATTACHED = 11
    DETACH = 12
    DETACHED = 13
    MESSAGE = 15
    AUTH = 17


@dataclass
class Channel:
    """Its newest messages, newest last, and who is attached."""

    kept: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=KEPT))
    members: set[Socket] = field(default_factory=set)


class Ably:
    """One app with one key."""

    def __init__(self) -> None:
        self._keys = Keys()
        self._channels: dict[str, Channel] = {}
        self._serials = itertools.count(1)

    def publishes(self, request: Request) -> bool:
        return request.method == "POST" and request.path.endswith("/messages")

    # REST

    async def answer(self, request: Request, desk: Desk) -> Response:
        try:
            return await self._answer(request, desk)
        except Fault as fault:
            raise fault.refusal from fault

    async def _answer(self, request: Request, desk: Desk) -> Response:
        match request.method, request.path.strip("/").split("/"):
            case "OPTIONS", _:
                return Response("", headers={"access-control-allow-headers": "*", "access-control-allow-methods": "*"})
            case "GET", ["time"]:
                return Response([now_ms()])
            case "POST", ["keys", name, "requestToken"]:
                return Response(self._keys.issue(name, json.loads(request.body)), 201)
            case "POST", ["messages"]:
                return await self._batch(request, desk)
            case "POST", ["channels", name, "messages"]:
                found = json.loads(request.body)
                return await self._post(request, desk, name, found if isinstance(found, list) else [found])
            case "GET", ["channels", name, "messages"]:
                self._keys.bearer(request).check(name, "history")
                return Response(list(reversed(self._channel(name).kept)))
            case _:
                raise Fault(404, 40400, f"Could not find path: {request.path}")

    async def _post(self, request: Request, desk: Desk, name: str, messages: list[dict[str, Any]]) -> Response:
        self._keys.bearer(request).check(name, "publish")
        return Response(await self._publish(desk, name, messages), 201)

    async def _batch(self, request: Request, desk: Desk) -> Response:
        bearer, size = self._keys.bearer(request), len(request.body)
        if size > MOST_BODY_BYTES:
            raise Fault(413, 40009, f"Maximum request body exceeded ({size} bytes)")
        found = json.loads(request.body)
        specs = found if isinstance(found, list) else [found]
        results, failed = [], 0
        for spec in specs:
            channels = one_or_more(spec["channels"])
            if len(channels) > MOST_CHANNELS:
                raise Fault(400, 40000, f"at most {MOST_CHANNELS} channels a batch")
            for name in channels:
                try:
                    bearer.check(name, "publish")
                    results.append(await self._publish(desk, name, one_or_more(spec["messages"])))
                except Fault as fault:
                    failed += 1
                    results.append({"channel": name, "error": fault.told})
        if failed:
            error = {"statusCode": 400, "code": 40020, "message": "Batched response includes errors"}
            return Response({"error": error, "batchResponse": results}, 400, {"x-ably-errorcode": "40020"})
        return Response(results, 201)

    async def _publish(self, desk: Desk | None, name: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
        size = sum(len(str(message.get("data") or "").encode()) for message in messages)
        if size > MOST_BYTES:
            raise Fault(413, 40009, f"Maximum message length exceeded ({size} bytes)")
        serial = f"{next(self._serials):020}"
        channel = self._channel(name)
        for index, message in enumerate(messages):
            message.setdefault("id", f"{serial}:{index}")
            message["timestamp"] = now_ms()
            channel.kept.append(message)
            if desk is not None:
                desk.note(name, message.get("name", ""), message.get("data"))
        for socket in list(channel.members):
            await socket.write(messages_of(name, serial, messages))
        return {"channel": name, "messageId": serial}

    # Realtime

    async def serve(self, socket: Socket) -> None:
        given = socket.query
        try:
            token = self._keys.admit(
                key=given.get("key", ""), token=given.get("access_token") or given.get("accessToken", "")
            )
        except Fault as fault:
            await socket.write({"action": Action.ERROR, "error": fault.told})
            await socket.close()
            return
        await socket.write(connected(token))
        beating = asyncio.create_task(beat(socket))
        try:
            while message := await socket.read():
                token = await self._hear(socket, token, message)
        finally:
            beating.cancel()
            for channel in self._channels.values():
                channel.members.discard(socket)

    async def _hear(self, socket: Socket, token: Token, message: dict[str, Any]) -> Token:
        """Answer a message of the client; gives the token that counts from then on."""
        name = message.get("channel", "")
        match message["action"]:
            case Action.HEARTBEAT:
                await socket.write({"action": Action.HEARTBEAT, "id": message.get("id")})
            case Action.CLOSE:
                await socket.write({"action": Action.CLOSED})
                await socket.close()
            case Action.ATTACH:
                await self._attach(socket, token, name, message.get("params") or {})
            case Action.DETACH:
                self._channel(name).members.discard(socket)
                await socket.write({"action": Action.DETACHED, "channel": name})
            case Action.MESSAGE:
                await self._take(socket, token, name, message)
            case Action.AUTH:
                return await self._renew(socket, token, message["auth"]["accessToken"])
        return token

    async def _attach(self, socket: Socket, token: Token, name: str, params: dict[str, str]) -> None:
        try:
            token.check(name, "subscribe")
        except Fault as fault:
            await socket.write({"action": Action.ERROR, "channel": name, "error": fault.told})
            return
        channel = self._channel(name)
        channel.members.add(socket)
        serial = f"{next(self._serials):020}"
        answer = {"action": Action.ATTACHED, "channel": name, "flags": MODES, "channelSerial": serial, "params": params}
        await socket.write(answer)
        rewound = list(channel.kept)[-int(params["rewind"]) :] if "rewind" in params else []
        for message in rewound:
            await socket.write(messages_of(name, serial, [message]))

    async def _take(self, socket: Socket, token: Token, name: str, message: dict[str, Any]) -> None:
        told = {"msgSerial": message["msgSerial"], "count": 1}
        try:
            token.check(name, "publish")
            await self._publish(None, name, message["messages"])
        except Fault as fault:
            await socket.write({"action": Action.NACK, "error": fault.told, **told})
        else:
            await socket.write({"action": Action.ACK, **told})

    async def _renew(self, socket: Socket, token: Token, given: str) -> Token:
        try:
            token = self._keys.admit(token=given)
        except Fault as fault:
            await socket.write({"action": Action.ERROR, "error": fault.told})
        else:
            await socket.write(connected(token))
        return token

    def _channel(self, name: str) -> Channel:
        return self._channels.setdefault(name, Channel())


async def beat(socket: Socket) -> None:
    while True:
        await asyncio.sleep(IDLE_MS / 1000)
        await socket.write({"action": Action.HEARTBEAT})


def connected(token: Token) -> dict[str, Any]:
    key = secrets.token_hex(8)
    details = {
        "connectionKey": key,
        "clientId": token.client_id,
        "maxMessageSize": MOST_BYTES,
        "maxInboundRate": 250,
        "maxFrameSize": 4 * MOST_BYTES,
        "connectionStateTtl": CLOCK_MS,
        "maxIdleInterval": IDLE_MS,
        "serverId": "emulator",
    }
    return {"action": Action.CONNECTED, "connectionId": key, "connectionKey": key, "connectionDetails": details}


def messages_of(channel: str, serial: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
    told = {"action": Action.MESSAGE, "channel": channel, "channelSerial": serial, "id": serial, "timestamp": now_ms()}
    return told | {"messages": messages}


def one_or_more(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found]


application = Desk(Ably)
