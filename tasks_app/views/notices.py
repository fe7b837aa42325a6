"""What a person was told last, for the bell and for a browser that no stream reaches; and what they have seen of it."""

import math
import time
from typing import Final
from uuid import UUID
from zlib import crc32

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.http import require_POST, require_safe

from progress_app.exceptions import BackendUnavailable
from tasks_app import notices, seen

AGAIN_S: Final = 10


@require_safe
@login_required
def newest(request: HttpRequest) -> HttpResponse:
    """The newest notices of who asks, nobody else's, as JSON with an ETag; 503 without Redis."""
    try:
        position, body = notices.newest(int(request.user.pk or 0))
    except BackendUnavailable:
        return HttpResponse(status=503, headers={"Retry-After": str(AGAIN_S)})
    tag = f'"{position}-{crc32(body):x}"'
    response = get_conditional_response(request, etag=tag) or HttpResponse(body, content_type="application/json")
    response["ETag"] = tag
    response["Retry-After"] = str(AGAIN_S)
    patch_cache_control(response, private=True, no_cache=True)
    return response


@require_POST
@login_required
def see(request: HttpRequest) -> HttpResponse:
    """Note that who asks has seen the notice of a `task`, or all that were told `until` a Unix time: 204, else 400."""
    user_id, given = int(request.user.pk or 0), request.POST
    try:
        if "task" in given:
            seen.see(user_id, str(UUID(given["task"])))
        else:
            seen.see_all(user_id, _moment(given.get("until", "")))
    except ValueError as error:
        return HttpResponse(str(error), status=400, content_type="text/plain")
    return HttpResponse(status=204)


def _moment(text: str) -> float:
    """A Unix time in seconds that has come.

    Raises:
        ValueError: it is none.

    """
    moment = float(text)
    if not math.isfinite(moment):
        raise ValueError(f"until={text[:20]!r}: expected a Unix time in seconds.")
    return min(moment, time.time())
