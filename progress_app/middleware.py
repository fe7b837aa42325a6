"""Middleware: a page waits once, and briefly, for a Redis that hangs; those after it do without for a moment.

A page asks Redis several times, for the bar, the log and the notices. Where Redis does not answer it is drawn from the
database, so the reader gains nothing by waiting again. Whoever changes something asks all the same.
"""

from asyncio import iscoroutinefunction
from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware

from progress_app import patience

REMEMBERED_S: Final = 5.0
ONLY_READ: Final = frozenset({"GET", "HEAD"})


@sync_and_async_middleware
def wait_once(get_response: Callable[..., Any]) -> Callable[..., Any]:
    """Let each request run into one time-out of Redis at most."""
    if iscoroutinefunction(get_response):

        async def answer_later(request: HttpRequest) -> Any:
            with patience.short(since_s=_since_s(request)):
                return await get_response(request)

        return answer_later

    def answer(request: HttpRequest) -> Any:
        with patience.short(since_s=_since_s(request)):
            return get_response(request)

    return answer


def _since_s(request: HttpRequest) -> float:
    return REMEMBERED_S if request.method in ONLY_READ else 0.0
