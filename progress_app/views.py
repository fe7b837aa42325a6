"""The Django doors of the stream: who may open one, tokens, the snapshot as JSON, the bar as a page of its own.

Each asks for permission first. What a user may not see does not exist for them.
"""

import time
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
    return _grant(request, request.GET.getlist("channel"), "sse")


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
    answer = _grant(request, asked.channels, asked.transport)
    if answer.status_code != 200:  # noqa: PLR2004
        return answer
    grant = msgspec.json.decode(answer.content, type=tokens.Grant)
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
        text = "No stream can be opened right now; try again."
        return _refusal(503, "unavailable", text, headers={"Retry-After": str(AGAIN_S)})
    url = request.build_absolute_uri(f"{settings.events_url or reverse('progress:events')}?token={made}")
    told = {"token": made, "url": url, "expires_in": settings.token_ttl_s}
    return JsonResponse({**told, "transport": "sse", "via": hosted.via()})


class _TokenRequest(msgspec.Struct):
    channels: list[str]
    transport: str = "sse"


def _grant(request: HttpRequest, names: list[str], transport: str) -> HttpResponse:
    """Whether the request's user may read all of these channels."""
    try:
        channels = [channel.name for channel in asked_for(names)]
    except UsageError as error:
        return _refusal(400, "bad-request", str(error))
    if transport not in hosted.offered():
        allowed = ", ".join(hosted.offered())
        return _refusal(400, "bad-request", f"transport={transport[:20]!r}: expected one of {allowed}.")
    user, manager = request.user, get_channelmanager()
    refused = [channel for channel in channels if not manager.can_read_channel(user, channel)]
    if refused:
        text = "You may not read some of these channels, or they do not exist."
        return _refusal(403, "forbidden", text, channels=refused)
    return JsonResponse({"user": str(user.pk), "channels": channels, "transport": transport})


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
    answer = _grant(request, request.GET.getlist("channel"), "ably")
    if answer.status_code != 200:  # noqa: PLR2004
        return answer
    grant = msgspec.json.decode(answer.content, type=tokens.Grant)
    names = [name for channel in grant.channels if (name := carrier.wire_name(channel))]
    if not names:
        return _refusal(400, "bad-request", "Ably carries none of these channels; a stream does.")
    return JsonResponse(carrier.token_request(names, user=grant.user))


def _refusal(
    status: int, condition: str, text: str, *, headers: dict[str, str] | None = None, **more: Any
) -> JsonResponse:
    told = {"v": 1, "condition": condition, "text": text, "retryable": False, **more}
    return JsonResponse(told, status=status, headers=headers)


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
    if held.RENEWAL not in request.GET:
        if not request.user.is_authenticated:
            return _refusal(*LOG_IN_FIRST)
        refused = _grant(request, request.GET.getlist("channel"), "sse")
        if refused.status_code != 200:  # noqa: PLR2004
            return refused
    try:
        return held.answer(request)
    except UsageError as error:
        return _refusal(400, "bad-request", str(error))
    except BackendUnavailable:
        text = "No stream can be opened right now; try again."
        return _refusal(503, "unavailable", text, headers={"Retry-After": str(AGAIN_S)})
