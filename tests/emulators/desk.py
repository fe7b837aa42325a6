"""What the emulators share: requests, answers, and the desk at which a test orders faults and reads what came.

    GET    /emulator/received   every message that was accepted: [{channel, name, data, call, at_s}, …]
    GET    /emulator/calls      how many requests to publish were made, refused ones too
    POST   /emulator/faults     {"status", "body", "headers"}: answer this to every request to publish
                                {"hold": true}: answer nothing until the faults are lifted
                                {"delay_s": 1.0}: answer as the service does, so much later
    DELETE /emulator/faults     answer as the service does
    POST   /emulator/reset      forget everything: a new service
    POST   /emulator/outage     cut all sockets and refuse new ones and all requests, until DELETE

An emulator is an ASGI application that a test runs as a process of its own; see `tests/emulators/service.py`.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True)
class Request:
    """An HTTP request; header names in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @classmethod
    async def read(cls, scope: Scope, receive: Receive) -> "Request":
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        return cls(scope["method"], scope["path"], query_of(scope), headers, body)


@dataclass(frozen=True)
class Response:
    """An HTTP response; text, or anything that JSON can say."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    async def write(self, send: Send) -> None:
        is_text = isinstance(self.body, str)
        data = self.body.encode() if is_text else json.dumps(self.body).encode()
        usual = {"content-type": "text/plain" if is_text else "application/json", "access-control-allow-origin": "*"}
        headers = [(name.encode(), value.encode()) for name, value in (usual | self.headers).items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": data})


class Refusal(Exception):
    """A request that the service refuses, with what it answers."""

    def __init__(self, response: Response) -> None:
        super().__init__(response)
        self.response = response


class Socket:
    """A WebSocket that speaks JSON."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.path: str = scope["path"]
        self.query = query_of(scope)
        self._receive = receive
        self._send = send
        self.is_open = False

    async def accept(self) -> None:
        await self._receive()
        await self._send({"type": "websocket.accept"})
        self.is_open = True

    async def read(self) -> dict[str, Any] | None:
        """Return the next message, None when the other side has gone."""
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self.is_open = False
            return None
        return dict(json.loads(message.get("text") or message["bytes"]))

    async def write(self, message: dict[str, Any]) -> None:
        if self.is_open:
            await self._send({"type": "websocket.send", "text": json.dumps(message)})

    async def close(self, code: int = 1000) -> None:
        if self.is_open:
            self.is_open = False
            await self._send({"type": "websocket.close", "code": code})


class Emulated(Protocol):
    """A service behind the desk."""

    async def answer(self, request: Request, desk: "Desk") -> Response:
        """Answer a request; may raise Refusal."""

    def publishes(self, request: Request) -> bool:
        """Whether a request is one to publish, which ordered faults strike."""

    async def serve(self, socket: Socket) -> None:
        """Serve one socket until it is closed."""


class Desk:
    """The ASGI application: the service, and the orders of a test before it."""

    def __init__(self, build: Callable[[], Emulated]) -> None:
        self._build = build
        self._sockets: set[Socket] = set()
        self._lifted = asyncio.Event()
        self._reset()

    def _reset(self) -> None:
        self._service = self._build()
        self._fault: dict[str, Any] | None = None
        self._lifted.set()
        self._outage = False
        self.received: list[dict[str, Any]] = []
        self.calls = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = await Request.read(scope, receive)
            try:
                response = await self._answer(request)
            except Refusal as refusal:
                response = refusal.response
            await response.write(send)
        elif scope["type"] == "websocket":
            await self._serve(Socket(scope, receive, send), send)

    def note(self, channel: str, name: str, data: Any) -> None:
        """Remember an accepted message, with the number of the request that brought it, and when that was."""
        told = {"channel": channel, "name": name, "data": data, "call": self.calls, "at_s": time.monotonic()}
        self.received.append(told)

    async def _answer(self, request: Request) -> Response:
        if request.path.startswith("/emulator/"):
            return await self._order(request)
        if self._outage:
            return Response("out of order", 503)
        if self._service.publishes(request):
            self.calls += 1
            if self._fault and self._fault.get("hold"):
                asked = self._service
                await self._lifted.wait()
                if asked is not self._service:  # another test's by now
                    return Response("reset", 503)
            elif self._fault and "delay_s" in self._fault:
                await asyncio.sleep(self._fault["delay_s"])
            elif self._fault:
                return Response(self._fault["body"], self._fault["status"], self._fault.get("headers", {}))
        return await self._service.answer(request, self)

    async def _order(self, request: Request) -> Response:
        match request.method, request.path.removeprefix("/emulator/"):
            case "GET", "received":
                return Response(self.received)
            case "GET", "calls":
                return Response(self.calls)
            case "POST", "faults":
                self._fault = json.loads(request.body)
                self._lifted.clear()
            case "DELETE", "faults":
                self._fault = None
                self._lifted.set()
            case "POST", "reset":
                await self._cut()
                self._reset()
            case "POST", "outage":
                self._outage = True
                await self._cut()
            case "DELETE", "outage":
                self._outage = False
            case _:
                return Response("no such order", 404)
        return Response({})

    async def _cut(self) -> None:
        for socket in list(self._sockets):
            await socket.close(1012)

    async def _serve(self, socket: Socket, send: Send) -> None:
        if self._outage:
            await send({"type": "websocket.close"})
            return
        self._sockets.add(socket)
        try:
            await socket.accept()
            await self._service.serve(socket)
        finally:
            self._sockets.discard(socket)


def query_of(scope: Scope) -> dict[str, str]:
    return dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
