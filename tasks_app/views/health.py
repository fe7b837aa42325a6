"""The door for load balancers and monitors."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from tasks_app.health import health as ask_health


@require_safe
@login_not_required
def health(_request: HttpRequest) -> JsonResponse:
    """200 when all that is needed answers, else 503; says what does not, not why."""
    found = ask_health()
    return JsonResponse(found, status=200 if all(found.values()) else 503)
