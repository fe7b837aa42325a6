"""Bounds what a request may send, also where it does not say beforehand how much that will be.

Django writes a body to a temporary file before anything of it is looked at, whoever sends it. So a body that declares
more than the bound is refused at once, and one in chunks as soon as it has sent more.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Any, Any], Awaitable[None]]

TOO_LARGE: Final = 413
TEXT: Final = "This request is too large: at most {most:,} bytes are accepted (TASKS_REQUEST_LIMIT_BYTES)."


class BoundedBody:
    """An ASGI application whose requests have at most so many bytes."""

    def __init__(self, application: Application, most_bytes: int) -> None:
        self._application = application
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 413 and close the connection."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
        elif _declared(scope) > self._most_bytes:
            await self._refuse(send)
        else:
            body = _Body(receive, send, self._most_bytes)
            await self._application(scope, body.receive, body.send)
            if body.is_over and not body.is_answered:
                await self._refuse(send)

    async def _refuse(self, send: Send) -> None:
        text = TEXT.format(most=self._most_bytes).encode()
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": TOO_LARGE, "headers": headers})
        await send({"type": "http.response.body", "body": text})


class _Body:
    """Counts what comes; who sends too much has hung up, as far as the application can see."""

    def __init__(self, receive: Receive, send: Send, most_bytes: int) -> None:
        self._receive = receive
        self._send = send
        self._left = most_bytes
        self.is_over = False
        self.is_answered = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            self.is_over = self.is_over or self._left < 0
        return {"type": "http.disconnect"} if self.is_over else message

    async def send(self, message: Message) -> None:
        self.is_answered = True
        await self._send(message)


def _declared(scope: Scope) -> int:
    """What the request says that it will send; 0 where it does not say, and what is no number is for the server."""
    text = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return int(text) if text.isdigit() else 0
