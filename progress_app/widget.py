"""What the widget's templates are given, for the tag and for the page of its own."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.crypto import salted_hmac

from progress_app import conf
from progress_app.channels import log_channel, task_channel
from progress_app.events import Snapshot

SIZES = ("bar", "compact", "ring", "badge")


def context(snapshot: Snapshot, size: str = "bar", *, rows: str = "") -> dict[str, Any]:
    """The context of `progress_app/widget.html`; `rows` is the channel of a list that the bar belongs to.

    Raises:
        ValueError: an unknown size.

    """
    if size not in SIZES:
        raise ValueError(f"progress_widget size={size!r}: expected one of {', '.join(SIZES)}.")
    task = snapshot.task
    return {
        "task_id": task,
        "snapshot": snapshot,
        "size": size,
        "channel": task_channel(task),
        "log_channel": log_channel(task),
        "snapshot_url": reverse("progress:snapshot", args=[task]),
        "widget_url": reverse("progress:widget", args=[task]),
        "rows_channel": rows,
        **connection(for_list=bool(rows)),
    }


def connection(*, for_list: bool = False) -> dict[str, str]:
    """How the browser is to connect; what is empty is left out of the page.

    `for_list`: to a channel of rows or of operations. A hosted service carries none; our own stream does, beside it.
    """
    settings = conf.get()
    is_hosted = settings.transport in conf.HOSTED and not for_list
    return {
        "events_url": settings.events_url or reverse("progress:events"),
        "token_url": reverse("progress:token") if settings.events_url or is_hosted else "",
        "transport": "sse" if for_list and settings.transport in conf.HOSTED else settings.transport,
        "library_url": _library(settings.transport) if is_hosted else "",
    }


def _library(transport: str) -> str:
    """Where a page finds the service's client library; empty while it is not installed, and then the page streams."""
    try:
        return static(f"vendor/{transport}.js")
    except ValueError:  # the manifest of static files does not name it
        return ""


def sharers(request: HttpRequest | None) -> str:
    """Names the pages of one browser that may share a connection: those of one login.

    No secret, and of no use to anybody: a hash of the session's key. Empty for a visitor without a session, whose
    pages share nothing.
    """
    key = getattr(getattr(request, "session", None), "session_key", None)
    return salted_hmac("progress_app.widget.sharers", key).hexdigest()[:32] if key else ""
