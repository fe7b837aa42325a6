"""What a person was told last, for a browser that no stream reaches."""

from typing import Final

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.http import require_safe

from progress_app.exceptions import BackendUnavailable
from tasks_app import notices

AGAIN_S: Final = 10


@require_safe
@login_required
def newest(request: HttpRequest) -> HttpResponse:
    """The newest notices of who asks, nobody else's, as JSON with an ETag; 503 without Redis."""
    try:
        position, body = notices.newest(int(request.user.pk or 0))
    except BackendUnavailable:
        return HttpResponse(status=503, headers={"Retry-After": str(AGAIN_S)})
    tag = f'"{position}"'
    response = get_conditional_response(request, etag=tag) or HttpResponse(body, content_type="application/json")
    response["ETag"] = tag
    response["Retry-After"] = str(AGAIN_S)
    patch_cache_control(response, private=True, no_cache=True)
    return response
