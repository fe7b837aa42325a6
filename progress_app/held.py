"""A stream that a GRIP proxy holds: django-eventstream's own view answers, and the proxy keeps the connection.

1. Only requests that the gateway found signed come here; they are marked in the ASGI scope, which no HTTP request can
   set.
2. The package gives a client without positions nothing that is stored. Ours is to see the present state and a task's
   log, so such a client is given positions to begin at.
3. States are conflated, so the proxy must not expect each position of theirs: their channels are held without one, and
   each renewal brings the present state. That also brings an end that fell between an answer and its being held.
4. The proxy also listens on a channel of its own for each user and on one for everybody: a kick comes over them.
5. The package serves ten channels a stream, and no rows of lists: what asks for more gets an ordinary stream, which
   the proxy passes on.
"""

from typing import Any, Final
from urllib.parse import parse_qs, quote

from django.core.exceptions import ObjectDoesNotExist
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import decorator_from_middleware
from django_eventstream.views import events
from django_grip import GripInstruct, GripMiddleware
from gripcontrol import Channel
from jwt import InvalidTokenError

from progress_app import connections
from progress_app.channels import Kind, parse
from progress_app.exceptions import UsageError
from progress_app.sse import encode_positions, parse_positions
from progress_app.transports.base import is_carried
from progress_app.transports.grip import EVERYBODY

MARK: Final = "progress_app.held"
RENEW_S: Final = 30  # without a word the proxy renews a stream in two minutes
RENEWAL: Final = "es-meta"  # the proxy comes back with it: who was let in and to what, signed by django-eventstream
MOST_CHANNELS: Final = 10
_UNREADABLE: Final = (InvalidTokenError, ObjectDoesNotExist, ValueError, KeyError, TypeError)


def may_be_held(query: bytes) -> bool:
    """Whether django-eventstream can answer this query."""
    asked = parse_qs(query.decode("latin-1"))
    if RENEWAL in asked:
        return True
    names = set(asked.get("channel", ()))
    return "token" not in asked and len(names) <= MOST_CHANNELS and all(is_carried(name) for name in names)


def answer(request: Any) -> HttpResponseBase:
    """What the proxy is to show and to hold; of a request whose signature was verified.

    Raises:
        UsageError: what the proxy brought back cannot be read.
        BackendUnavailable: Redis is away.

    """
    if RENEWAL not in request.GET:
        _begin(request)
    try:
        return _answer(request)
    except _UNREADABLE as error:
        raise UsageError(f"This stream cannot be continued ({type(error).__name__}): open it anew.") from error


def _begin(request: HttpRequest) -> None:
    """Give a position to each channel that the client brought none of, where it is to see more than what comes."""
    given = request.headers.get("Last-Event-ID") or request.GET.get("lastEventId", "")
    names = request.GET.getlist("channel")
    first = {name: pos for name in names if (pos := _first(name)) is not None}
    request.META["HTTP_LAST_EVENT_ID"] = encode_positions(first | parse_positions(given)).decode()


def _first(name: str) -> int | None:
    channel = parse(name)
    if channel.is_state:
        return 0
    kept = connections.backend().replay(name, None, 1) if channel.kind is Kind.TASK_LOG else []
    return kept[0].pos - 1 if kept else None


class _Verified(GripMiddleware):  # type: ignore[misc]  # the base class ships no types
    """The package's own, told that the signature has been verified."""

    def process_request(self, request: Any) -> Any:
        """As the package's."""
        refused = super().process_request(request)
        request.grip.proxied = request.grip.signed = True
        for name in _states(request):
            request.grip.last[_on_the_wire(name)] = "0"
        return refused


@decorator_from_middleware(_Verified)
def _answer(request: Any) -> HttpResponseBase:
    response: HttpResponseBase = events(request)
    if told := request.grip.instruct:
        told.add_channel(Channel(EVERYBODY))  # the package adds the user's own
        _hold_states_without_position(told, {_on_the_wire(name) for name in _states(request)})
    return response


def _hold_states_without_position(told: GripInstruct, states: set[str]) -> None:
    told.next_link_timeout = RENEW_S
    for channel in told.channels:
        if channel.name in states:
            channel.prev_id = None
            channel.filters.remove("build-id")
    parts = told.meta.pop("id_format", "").split(",")
    if kept := [part for part in parts if part and part.partition("%(")[2].removesuffix(")s") not in states]:
        told.meta["id_format"] = ",".join(kept)


def _states(request: HttpRequest) -> list[str]:
    return [name for name in request.GET.getlist("channel") if parse(name).is_state]


def _on_the_wire(name: str) -> str:
    return f"events-{quote(name)}"
