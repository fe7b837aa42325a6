"""A server and a browser in one: asks an ASGI application on the test's own event loop, without a socket.

It is stricter than a server: an answer that breaks the protocol fails the test, and who writes to a browser that has
left gets the OSError that newer servers raise.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec
import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client

from tests.progress_app.doubles import WITHIN_S, Told, told

Headers = Iterable[tuple[bytes, bytes]]
Application = Callable[[dict[str, Any], Any, Any], Any]
T = TypeVar("T")
CLIENT, SERVER = ("127.0.0.1", 50_000), ("127.0.0.1", 8_000)


def configured(**values: Any) -> pytest.MarkDecorator:
    """Give the gateway of a test other settings."""
    return pytest.mark.parametrize("gateway", [values], indirect=True, ids=[", ".join(values)])


async def aside(work: Callable[[], T]) -> T:
    """Do what asks the database beside the event loop, and give the connection back."""

    def do() -> T:
        try:
            return work()
        finally:
            connections.close_all()

    return await asyncio.to_thread(do)


def session(user: User) -> Headers:
    """The headers of somebody who has logged in."""
    client = Client()
    client.force_login(user)
    return [(b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode())]


def http_scope(target: bytes, headers: Headers = (), *, method: str = "GET") -> dict[str, Any]:
    """The scope of a request as a server makes it; `target` is a path with its query."""
    path, _, query = target.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote_to_bytes(path).decode("utf-8", "replace"),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1"), *headers],
        "client": CLIENT,
        "server": SERVER,
    }


@dataclass
class Answer:
    """What came back so far; `body` grows while a stream is open."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    ended: bool = False
    cookies: list[str] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether it is a stream that goes on."""
        return self.status == 200 and self.headers.get("content-type") == "text/event-stream" and not self.ended

    @property
    def json(self) -> Any:
        """The body of an answer that is no stream."""
        return msgspec.json.decode(self.body)

    @property
    def events(self) -> list[Told]:
        """The whole events of a stream that have come."""
        return told(self.body[: self.body.rfind(b"\n\n") + 2])

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [event.event for event in self.events]


class Visit:
    """One request, from its beginning to the end of its answer."""

    def __init__(self, application: Application, scope: dict[str, Any], body: bytes = b"") -> None:
        self.answer = Answer()
        self._unread: list[bytes] = [body]
        self._left = asyncio.Event()
        self._news = asyncio.Event()
        self._served = asyncio.ensure_future(application(scope, self._receive, self._send))
        self._served.add_done_callback(lambda _: self._news.set())

    async def _receive(self) -> dict[str, Any]:
        if self._unread:
            return {"type": "http.request", "body": self._unread.pop(), "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Mapping[str, Any]) -> None:
        if self._left.is_set():
            raise OSError("the browser has left")
        answer = self.answer
        if message["type"] == "http.response.start":
            assert not answer.status, "an answer begins once"
            answer.status = message["status"]
            headers = [(name.decode("ascii"), value.decode("latin-1")) for name, value in message["headers"]]
            answer.headers, answer.cookies = dict(headers), [value for name, value in headers if name == "set-cookie"]
        else:
            assert message["type"] == "http.response.body", message["type"]
            assert answer.status, "an answer begins with its status"
            assert not answer.ended, "nothing follows the end"
            answer.body += message.get("body", b"")
            answer.ended = not message.get("more_body", False)
        self._news.set()

    async def until(self, condition: Callable[[Answer], object]) -> Answer:
        """Read on until the condition holds; an answer that ends without it fails the test."""
        async with asyncio.timeout(WITHIN_S):
            while not condition(self.answer):
                assert not self._served.done() or self._served.result() is not None, f"it ended: {self.answer}"
                self._news.clear()
                await self._news.wait()
        return self.answer

    async def event(self, name: str) -> Answer:
        """Read on until an event of this name has come."""
        return await self.until(lambda answer: name in answer.names)

    async def end(self) -> Answer:
        """Read to the end of the answer; raises what the application raised."""
        async with asyncio.timeout(WITHIN_S):
            await self._served
        assert self.answer.ended or self._left.is_set(), "the application returned without an end"
        return self.answer

    async def begun(self) -> Answer:
        """Read the whole answer, of a stream only its beginning."""
        return await self.until(lambda answer: answer.is_open or answer.ended)

    async def leave(self) -> Answer:
        """Go away as a browser that closes its tab, and wait until the application has noticed."""
        self._left.set()
        return await self.end()


class Browser:
    """Asks one application, with one set of headers (its session)."""

    def __init__(self, application: Application, headers: Headers = ()) -> None:
        self._application = application
        self._headers = tuple(headers)

    def visit(self, target: str | bytes, headers: Headers = (), *, method: str = "GET", body: bytes = b"") -> Visit:
        """Begin a request; whoever calls sees to its end."""
        raw = target.encode() if isinstance(target, str) else target
        return Visit(self._application, http_scope(raw, (*self._headers, *headers), method=method), body)

    async def get(self, target: str | bytes, headers: Headers = ()) -> Answer:
        """Ask, and leave a stream as soon as it has begun."""
        visit = self.visit(target, headers)
        await visit.begun()
        return await visit.leave()

    async def post(self, target: str, body: bytes, headers: Headers = ()) -> Answer:
        """Post, and read the answer."""
        length = (b"content-length", str(len(body)).encode())
        visit = self.visit(target, (length, *headers), method="POST", body=body)
        await visit.begun()
        return await visit.leave()

    @asynccontextmanager
    async def watch(self, target: str, headers: Headers = ()) -> AsyncIterator[Visit]:
        """Open a stream and leave it at the end."""
        visit = self.visit(target, headers)
        try:
            yield visit
        finally:
            await visit.leave()


@asynccontextmanager
async def serving(application: Application) -> AsyncIterator[None]:
    """Run the lifespan of an application, as a server does."""
    said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    heard: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
    life = asyncio.ensure_future(application({"type": "lifespan"}, said.get, heard.put))

    async def say(moment: str) -> None:
        said.put_nowait({"type": f"lifespan.{moment}"})
        async with asyncio.timeout(WITHIN_S):
            assert (await heard.get())["type"] == f"lifespan.{moment}.complete"

    await say("startup")
    try:
        yield
    finally:
        await say("shutdown")
        await life
