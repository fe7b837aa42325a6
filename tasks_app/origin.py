"""Where a deed comes from: which door, and from which machine. Known to the whole call, asked for by the audit."""

from asyncio import iscoroutinefunction
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware

LONGEST: Final = 100
ADMIN: Final = "/admin/"

_origin: ContextVar[str] = ContextVar("origin", default="")


def current() -> str:
    """The origin of what is being done, at most 100 characters; empty when nobody said."""
    return _origin.get()


@contextmanager
def coming_from(origin: str) -> Iterator[None]:
    """Say where what is done in this block comes from."""
    token = _origin.set(origin[:LONGEST])
    try:
        yield
    finally:
        _origin.reset(token)


@sync_and_async_middleware
def remember(get_response: Callable[..., Any]) -> Callable[..., Any]:
    """Middleware: a request comes from the web or the admin, and from an address.

    The address is the server's REMOTE_ADDR: behind a proxy it is the client's only if the server trusts the proxy.
    """
    if iscoroutinefunction(get_response):

        async def answer_later(request: HttpRequest) -> Any:
            with coming_from(_of(request)):
                return await get_response(request)

        return answer_later

    def answer(request: HttpRequest) -> Any:
        with coming_from(_of(request)):
            return get_response(request)

    return answer


def _of(request: HttpRequest) -> str:
    door = "admin" if request.path.startswith(ADMIN) else "web"
    return f"{door} {request.META.get('REMOTE_ADDR', '')}".strip()
