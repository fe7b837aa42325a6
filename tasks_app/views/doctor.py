"""The doctor's page, for staff; the browser itself opens the stream there."""

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from progress_app import conf
from progress_app.exceptions import BackendUnavailable
from tasks_app import doctor
from tasks_app.diagnosis import TICK_EVERY_S, TICKS

View = Callable[[HttpRequest], HttpResponse]


def staff_only(view: View) -> View:
    """Let staff pass; others are asked to log in, or refused where they have."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if not request.user.is_staff:
            raise PermissionDenied
        return view(request)

    return guarded


@require_safe
@staff_only
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """What was found on the server, and a token for the browser's own trial."""
    shown = {"findings": doctor.installation(), "ticks": TICKS, "every_ms": round(TICK_EVERY_S * 1000)}
    try:
        token = doctor.ticket(int(request.user.pk or 0))
    except BackendUnavailable:
        return render(request, "tasks_app/doctor.html", shown)
    url = f"{conf.get().events_url or '/events/'}?token={token}"
    return render(request, "tasks_app/doctor.html", shown | {"events": url})


@require_POST
@staff_only
def tick(request: HttpRequest) -> HttpResponse:
    """Send one tick to who asks for it: 204, or 400 without its number, or 503 without Redis."""
    number = request.POST.get("number", "")
    if number not in map(str, range(TICKS)):
        return HttpResponse(
            f"number={number[:20]!r}: expected 0 to {TICKS - 1}.", status=400, content_type="text/plain"
        )
    try:
        doctor.tick(int(request.user.pk or 0), int(number))
    except BackendUnavailable:
        return HttpResponse("Redis is away; try again.", status=503, content_type="text/plain")
    return HttpResponse(status=204)
