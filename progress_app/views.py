"""The Django doors of the stream: who may open one, tokens, the snapshot as JSON, the bar as a page of its own.

Each asks for permission first. What a user may not see does not exist for them.
"""

import time
from dataclasses import asdict
from typing import Any, Final

import msgspec
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.http.request import RawPostDataException
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_POST, require_safe
from django_eventstream.utils import get_channelmanager

from progress_app import conf, connections, held, hosted, polling, tokens
from progress_app.access import asked_for
from progress_app.authorizer import MARK
from progress_app.channels import task_channel
from progress_app.events import Snapshot
from progress_app.exceptions import BackendUnavailable, UsageError
from progress_app.present import present
from progress_app.stream import UNAVAILABLE
from progress_app.transports.ably import AblyTransport
from progress_app.transports.pusher import PusherTransport
from progress_app.widget import context, sharers

AGAIN_S: Final = 5
BAD_BODY: Final = (ValueError, RecursionError, RawPostDataException)  # no such JSON; [[[[…; a form with files
LOG_IN_FIRST: Final = (401, "unauthorized", "Log in first.")


@require_GET
@never_cache
@login_not_required
def authorize(request: HttpRequest) -> HttpResponse:
    """Answer the gateway's sub-request: 200 with the grant, 400, 401 or 403. Nobody else gets anything here."""
    if MARK not in getattr(request, "scope", {}):
        raise Http404
    if not request.user.is_authenticated:
        return _refusal(*LOG_IN_FIRST)
    try:
        return JsonResponse(asdict(_granted(request, request.GET.getlist("channel"), "sse")))
    except _Refused as refused:
        return refused.answer


@require_POST
@never_cache
@login_not_required
def token(request: HttpRequest) -> HttpResponse:
    """Give what opens a transport for channels that the user may read: `{"channels": [...], "transport": "sse"}`.

    For `sse` a single-use token; for a hosted transport how to connect, and its names of the channels that it carries.
    `via` is the transport that the server advises now.
    """
    if not request.user.is_authenticated:
        return _refusal(*LOG_IN_FIRST)
    try:
        asked = msgspec.json.decode(request.body, type=_TokenRequest)
    except BAD_BODY as error:
        return _refusal(400, "bad-request", f"The body is not a token request: {error}.")
    try:
        grant = _granted(request, asked.channels, asked.transport)
    except _Refused as refused:
        return refused.answer
    if grant.transport != "sse":
        return JsonResponse({"transport": grant.transport, "via": hosted.via(), **_connection(grant)})
    return _stream_token(request, grant)


def _connection(grant: tokens.Grant) -> dict[str, Any]:
    """What a browser needs for a hosted transport; nothing for polling."""
    if grant.transport == "poll":
        return {}
    door = reverse(f"progress:{grant.transport}")
    return {"auth_url": door, **hosted.for_client(grant.channels)}


def _stream_token(request: HttpRequest, grant: tokens.Grant) -> HttpResponse:
    settings = conf.get()
    try:
        made = tokens.issue(
            connections.shelf().keep, prefix=settings.key_prefix, user=grant.user, channels=grant.channels,
            ttl_s=settings.token_ttl_s, transport=grant.transport,
        )  # fmt: skip
    except BackendUnavailable:
        return _unavailable()
    url = request.build_absolute_uri(f"{settings.events_url or reverse('progress:events')}?token={made}")
    told = {"token": made, "url": url, "expires_in": settings.token_ttl_s}
    return JsonResponse({**told, "transport": "sse", "via": hosted.via()})


class _TokenRequest(msgspec.Struct):
    channels: list[str]
    transport: str = "sse"


class _Refused(Exception):
    """What was asked for is not given; `answer` says why."""

    def __init__(self, answer: HttpResponse) -> None:
        super().__init__()
        self.answer = answer


def _granted(request: HttpRequest, names: list[str], transport: str) -> tokens.Grant:
    """What the request's user may watch: all of these channels, or nothing, which raises _Refused."""
    try:
        channels = tuple(channel.name for channel in asked_for(names))
    except UsageError as error:
        raise _Refused(_refusal(400, "bad-request", str(error))) from error
    if transport not in hosted.offered():
        allowed = ", ".join(hosted.offered())
        raise _Refused(_refusal(400, "bad-request", f"transport={transport[:20]!r}: expected one of {allowed}."))
    user, manager = request.user, get_channelmanager()
    foreign = [channel for channel in channels if not manager.can_read_channel(user, channel)]
    if foreign:
        text = "You may not read some of these channels, or they do not exist."
        raise _Refused(_refusal(403, "forbidden", text, channels=foreign))
    return tokens.Grant(user=str(user.pk), channels=channels, transport=transport)


@require_POST
@never_cache
@login_not_required
def pusher(request: HttpRequest) -> HttpResponse:
    """Sign a subscription for Pusher: the form `socket_id`, `channel_name`, as its client library posts it."""
    if not request.user.is_authenticated:
        return _refusal(*LOG_IN_FIRST)
    carrier = connections.transport()
    if not isinstance(carrier, PusherTransport):
        raise Http404
    wire_name = request.POST.get("channel_name", "")
    channel = carrier.channel(wire_name)
    if channel is None or not get_channelmanager().can_read_channel(request.user, channel):
        return _refusal(403, "forbidden", "You may not read this channel, or it does not exist.")
    try:
        return JsonResponse(carrier.sign(wire_name, request.POST.get("socket_id", "")))
    except UsageError as error:
        return _refusal(400, "bad-request", str(error))


@require_GET
@never_cache
@login_not_required
def ably(request: HttpRequest) -> HttpResponse:
    """Sign a token request for Ably, good for the channels asked for alone: to subscribe, and to read history."""
    if not request.user.is_authenticated:
        return _refusal(*LOG_IN_FIRST)
    carrier = connections.transport()
    if not isinstance(carrier, AblyTransport):
        raise Http404
    try:
        grant = _granted(request, request.GET.getlist("channel"), "ably")
    except _Refused as refused:
        return refused.answer
    names = [name for channel in grant.channels if (name := carrier.wire_name(channel))]
    if not names:
        return _refusal(400, "bad-request", "Ably carries none of these channels; a stream does.")
    return JsonResponse(carrier.token_request(names, user=grant.user))


def _refusal(status: int, condition: str, text: str, **more: Any) -> JsonResponse:
    told = {"v": 1, "condition": condition, "text": text, "retryable": condition == UNAVAILABLE, **more}
    return JsonResponse(told, status=status)


def _unavailable() -> JsonResponse:
    refusal = _refusal(503, UNAVAILABLE, "No stream can be opened right now; try again.")
    refusal["Retry-After"] = str(AGAIN_S)
    return refusal


@require_safe
@login_not_required
def snapshot(request: HttpRequest, task_id: Any) -> HttpResponse:
    """The present snapshot as JSON, with an ETag; `Retry-After` says when to ask again, in seconds."""
    shown = _present(request, task_id)
    way = hosted.via()
    tag = polling.etag(shown, way)
    body = hosted.told_in(shown.to_json(), way)
    response = get_conditional_response(request, etag=tag) or HttpResponse(body, content_type="application/json")
    response["ETag"] = tag
    patch_cache_control(response, private=True, no_cache=True)
    again_s = polling.retry_after_s(shown, time.time())
    if again_s is not None:
        response["Retry-After"] = str(again_s)
    return response


@require_safe
@never_cache
@xframe_options_sameorigin
@login_not_required
def widget(request: HttpRequest, task_id: Any) -> HttpResponse:
    """The bar as a small page that refreshes itself, for a frame; with `?live` as embed.js puts it into a page."""
    shown = context(_present(request, task_id))
    if "live" in request.GET:
        about_page = {"request": request, "sharers": sharers(request), "assets": False, "with_words": True}
        return render(request, "progress_app/widget.html", shown | about_page)
    return render(request, "progress_app/widget_page.html", shown)


def _present(request: HttpRequest, task_id: Any) -> Snapshot:
    """The task's snapshot, 404 for who may not see it."""
    user = request.user
    if isinstance(user, AnonymousUser) or not get_channelmanager().can_read_channel(user, task_channel(task_id)):
        raise Http404
    shown = present(str(task_id))
    if shown is None:
        raise Http404
    return shown


@require_GET
@login_not_required
def events(request: HttpRequest) -> HttpResponseBase:
    """A stream for a GRIP proxy to hold. Without a gateway (WSGI, runserver) say so; the widget then polls."""
    if held.MARK not in getattr(request, "scope", {}):
        return _refusal(501, "not-implemented", "This server does not stream; run config.asgi:application.")
    if held.RENEWAL not in request.GET and not request.user.is_authenticated:
        return _refusal(*LOG_IN_FIRST)
    try:
        if held.RENEWAL not in request.GET:
            _granted(request, request.GET.getlist("channel"), "sse")
        return held.answer(request)
    except _Refused as refused:
        return refused.answer
    except UsageError as error:
        return _refusal(400, "bad-request", str(error))
    except BackendUnavailable:
        return _unavailable()
