"""`{% load progress %}{% progress_widget task %}`: a live bar in any template."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django import template
from django.template import Context

from progress_app import connections
from progress_app.amounts import Amount, amount
from progress_app.durations import duration_text, range_text
from progress_app.events import FINAL, Snapshot, StageProgress, StageState, State
from progress_app.exceptions import BackendUnavailable
from progress_app.modules import imports
from progress_app.present import present
from progress_app.widget import connection, sharers
from progress_app.widget import context as widget_context
from progress_app.words import said as job_words
from progress_app.words import state_text as state_in_words
from progress_app.words import translated

ASSETS_NAMED = "_headway_assets_named"  # on the request: a page names script and stylesheet once
WORDS_NAMED = "_headway_words_named"  # likewise: and their words
MODULES_NAMED = "_headway_modules_named"  # on the request: and each module

register = template.Library()


@register.inclusion_tag("progress_app/widget.html", takes_context=True)
def progress_widget(
    context: Context,
    task: Any,
    size: str = "bar",
    *,
    rows: str = "",
    usual_s: float | None = None,
    snapshot: Snapshot | None = None,
) -> dict[str, Any]:
    """Draw the bar of a task, live.

    Args:
        context: the page's; its request carries the nonce of the script tag.
        task: a task, or its UUID.
        size: "bar", "compact" for lists, "ring" for dashboards, "badge" within a line of text.
        rows: a channel that carries the task's row, such as "tasks": a list then follows that one for all of its bars.
            Empty: the bar follows its task.
        usual_s: how many seconds such a task usually takes; a mark in the bar then shows the usual pace.
        snapshot: what to draw, where the page knows it already; None: the present one is asked for.

    Raises:
        ValueError: no task and no UUID was given, or an unknown size.

    Who may watch is asked when the stream is opened; the page that uses the tag has shown the task already.
    """
    task_id = _uuid(getattr(task, "pk", task))
    shown = snapshot or present(task_id) or Snapshot(task=task_id)
    request = context.get("request")
    named = getattr(request, ASSETS_NAMED, False)
    if request is not None:
        setattr(request, ASSETS_NAMED, True)
    about_page = {"request": request, "sharers": sharers(request), "assets": not named}
    return {**widget_context(shown, size, rows=rows), **about_page, "usual_s": usual_s}


@register.inclusion_tag("progress_app/_module.html", takes_context=True)
def headway_module(context: Context, module: str) -> dict[str, Any]:
    """A script tag for an ES module, `progress_app/progress-bar.js`, and links to load what it imports beside it.

    A page names each module once; the nonce is the request's, where django-csp gives one.
    """
    request = context.get("request")
    named: set[str] = getattr(request, MODULES_NAMED, set())
    needed = [name for name in imports(module) if name not in named]
    if request is not None:
        setattr(request, MODULES_NAMED, {*named, module, *needed})
    return {"module": module, "imports": needed, "nonce": getattr(request, "csp_nonce", "")}


@register.simple_tag(takes_context=True)
def headway_connection(context: Context, *, for_list: bool = False) -> dict[str, str]:
    """How a page's own modules connect: `events_url`, `transport`, `token_url`, `library_url`, `session`.

    `for_list`: to a channel of rows, which no hosted service carries.
    """
    return {**connection(for_list=for_list), "session": sharers(context.get("request"))}


@register.simple_tag
def headway_position(kind: str, key: Any) -> int | None:
    """The newest position of a log channel such as `user-5` (kind "user", key 5), 0 if nothing came yet.

    A page that carries it misses nothing between its drawing and the opening of its stream. None while Redis is away.
    """
    try:
        return connections.backend().position(f"{kind}-{key}")
    except BackendUnavailable:
        return None


def _uuid(given: Any) -> str:
    try:
        return str(UUID(str(given)))
    except ValueError as error:
        raise ValueError(f"progress_widget task={given!r}: expected a task or its UUID.") from error


@register.filter
def unix_time(seconds: float | None) -> datetime | None:
    """A Unix time in seconds as a moment that the `date` filter can show; None stays None."""
    return None if not seconds else datetime.fromtimestamp(seconds, UTC)


@register.filter
def said(text: Any) -> str:
    """A text that a job gave, such as the name of a stage, in the page's language."""
    return job_words(str(text or ""))


@register.filter
def state_text(state: str) -> str:
    """A state in words: "Running" of "running"."""
    return state_in_words(state)


@register.filter
def stage_state(stage: StageProgress | None, task_state: str) -> str:
    """How a stage stands: one that ran when its task ended is "done" or "stopped"; none at all is "pending"."""
    if stage is None:
        return str(StageState.PENDING)
    if stage.state is not StageState.RUNNING or task_state not in FINAL:
        return str(stage.state)
    return str(StageState.DONE) if task_state == State.SUCCEEDED else "stopped"


@register.filter
def counted(snapshot: Snapshot) -> Amount:
    """How much is done of how much, in the unit that people read."""
    return amount(snapshot.current, snapshot.total, snapshot.unit)


@register.filter
def paced(snapshot: Snapshot) -> Amount:
    """How much a second, likewise."""
    return amount(snapshot.rate or 0, None, snapshot.unit)


@register.filter
def duration(seconds: Any) -> str:
    """Seconds in words; empty for None and for what a template could not find."""
    return "" if seconds in (None, "") else duration_text(float(seconds))


@register.filter
def duration_range(low: float, high: float) -> str:
    """A range of seconds in words."""
    return range_text(float(low), float(high))


@register.inclusion_tag("progress_app/_words.html", takes_context=True)
def headway_words(context: Context) -> dict[str, Any]:
    """The browser's words in the page's language, once a page; nothing in English."""
    request = context.get("request")
    named = getattr(request, WORDS_NAMED, False)
    if request is not None:
        setattr(request, WORDS_NAMED, True)
    return {"words": {} if named else translated()}
