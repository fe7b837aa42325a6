"""What measurements of the delivery mean: pure, each finding with one sentence and what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil
from typing import Final

from django.utils.translation import gettext as _

from progress_app.breaker import Condition

TICKS: Final = 5
TICK_EVERY_S: Final = 0.3
HEAPED_BELOW: Final = 0.5  # of the time over which the ticks were sent: they came together
SLOW_S: Final = 1.0  # a viewer would call it late
CLOCKS_MAY_DIFFER_S: Final = 2.0
BEAT_MAY_BE_SILENT_S: Final = 60.0  # it sends a round of maintenance every 15 s
HEADERS: Final = {"content-type": "text/event-stream", "cache-control": "no-cache", "x-accel-buffering": "no"}
# A proxy takes X-Accel-Buffering for itself, and the stream is none the worse for it.
MAY_BE_TAKEN: Final = frozenset({"x-accel-buffering"})


class Verdict(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: `check` names it for programs; `remedy` is empty where nothing is to be done."""

    check: str
    verdict: Verdict
    text: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What was seen of a real stream; moments are seconds of one steady clock.

    `status` None: no answer came, and `fault` says why (empty: nothing came in time). `skew_s` is how far the web
    server's clock is ahead of ours, None without a `stream-open`. `cut_after_s` is how long a quiet stream lived,
    None when it was not cut or not tried (`tried_quiet`).
    """

    status: int | None = None
    fault: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    sent_s: tuple[float, ...] = ()
    arrived_s: tuple[float, ...] = ()
    skew_s: float | None = None
    protocol: str = "http/1.1"
    tried_quiet: bool = False
    cut_after_s: float | None = None


def of_trial(trial: Trial) -> list[Finding]:
    """What a stream's trial means, the opening first."""
    opened = opening(trial)
    if trial.status is None and trial.fault:
        return [opened]
    if trial.status not in (None, 200):
        return [opened]
    found = [opened, delivery(trial)]
    if trial.status is not None:
        found += [encoding(trial), headers(trial), connections(trial)]
    if trial.skew_s is not None:
        found.append(clock("web clock", trial.skew_s))
    return [*found, quiet(trial)] if trial.tried_quiet else found


def opening(trial: Trial) -> Finding:
    """Whether the stream opened."""
    if trial.status == 200:  # noqa: PLR2004  (the status's own name says no more)
        return Finding("stream", Verdict.OK, _("The stream opens."))
    if trial.status is not None:
        text = _("The server answers {status} instead of a stream.").format(status=trial.status)
        return Finding("stream", Verdict.FAIL, text, _("Let the address /events/ reach Headway's own ASGI server."))
    if trial.fault:
        text = _("The stream cannot be opened: {fault}.").format(fault=trial.fault)
        return Finding("stream", Verdict.FAIL, text, _("Start the web server, or name its address with --url."))
    remedy = _("See the delivery below: what holds events back holds the answer back too.")
    return Finding("stream", Verdict.FAIL, _("The stream's beginning does not arrive in time."), remedy)


def delivery(trial: Trial) -> Finding:
    """Whether the ticks came one by one, and soon."""
    remedy = _("Switch buffering and compression off for /events/ (nginx: proxy_buffering off; gzip off).")
    if missing := len(trial.sent_s) - len(trial.arrived_s):
        text = _("A buffering proxy: {missing} of {all} events are held back.")
        told = text.format(missing=missing, all=len(trial.sent_s))
        return Finding("buffering", Verdict.FAIL, told, remedy)
    if is_heap(trial.sent_s, trial.arrived_s):
        return Finding("buffering", Verdict.FAIL, _("A buffering proxy: events arrive in a heap."), remedy)
    longest_s = max((came - sent for sent, came in zip(trial.sent_s, trial.arrived_s, strict=True)), default=0.0)
    text = _("Events arrive one by one, within {ms} ms.").format(ms=round(longest_s * 1000))
    if longest_s > SLOW_S:
        return Finding("buffering", Verdict.WARN, text, _("Look for load on the web process, Redis or the network."))
    return Finding("buffering", Verdict.OK, text)


def is_heap(sent_s: tuple[float, ...], arrived_s: tuple[float, ...]) -> bool:
    """Whether what was sent over a while arrived together."""
    if not sent_s or not arrived_s:
        return False
    return arrived_s[-1] - arrived_s[0] < HEAPED_BELOW * (sent_s[-1] - sent_s[0])


def encoding(trial: Trial) -> Finding:
    """Whether somebody compresses the stream, which holds events back."""
    used = trial.headers.get("content-encoding", "identity")
    if used == "identity":
        return Finding("compression", Verdict.OK, _("The stream is not compressed."))
    text = _("The stream is compressed ({encoding}).").format(encoding=used)
    return Finding("compression", Verdict.FAIL, text, _("Switch compression off for text/event-stream."))


def headers(trial: Trial) -> Finding:
    """Whether the headers that keep caches and proxies away arrive."""
    missing = [name for name, value in HEADERS.items() if value not in trial.headers.get(name, "")]
    if not set(missing) - MAY_BE_TAKEN:
        return Finding("headers", Verdict.OK, _("The stream's headers arrive."))
    text = _("Headers are missing or changed: {names}.").format(names=", ".join(missing))
    return Finding("headers", Verdict.WARN, text, _("Let the proxy pass the headers of /events/ on as they are."))


def connections(trial: Trial) -> Finding:
    """What the protocol means for the number of streams; a remark."""
    if trial.protocol == "h2":
        return Finding("protocol", Verdict.OK, _("HTTP/2: streams share one connection."))
    text = _("HTTP/1.1: a browser opens six connections to a host; Headway's tabs share one of them.")
    return Finding("protocol", Verdict.OK, text, _("Clients of your own: put a proxy with HTTP/2 before the server."))


def quiet(trial: Trial) -> Finding:
    """Whether a stream without events stays open."""
    if trial.cut_after_s is None:
        return Finding("idle", Verdict.OK, _("A quiet stream stays open."))
    text = _("A quiet stream is cut after {seconds} s.").format(seconds=round(trial.cut_after_s))
    remedy = _("Raise the proxy's read time-out above the heartbeat (nginx: proxy_read_timeout 60s), or lower PROGRESS_HEARTBEAT_S.")  # noqa: E501  # fmt: skip
    return Finding("idle", Verdict.FAIL, text, remedy)


def clock(check: str, skew_s: float) -> Finding:
    """Whether another machine's clock is with ours; `skew_s` is how far it is ahead."""
    if abs(skew_s) <= CLOCKS_MAY_DIFFER_S:
        return Finding(check, Verdict.OK, _("The clocks agree."))
    text = _("The clocks differ by {seconds} s.").format(seconds=round(abs(skew_s), 1))
    return Finding(check, Verdict.WARN, text, _("Keep the clocks of all machines right (NTP)."))


def redis(fault: str) -> Finding:
    """Whether Redis answers; empty: it does."""
    if not fault:
        return Finding("redis", Verdict.OK, _("Redis answers."))
    remedy = _("Start Redis, and check REDIS_URL and PROGRESS_REDIS_URL.")
    return Finding("redis", Verdict.FAIL, _("Redis is away: {fault}").format(fault=fault), remedy)


def transport(name: str, condition: Condition) -> Finding:
    """Whether what is published to a hosted service gets there."""
    service = name.capitalize()
    if condition is Condition.WORKS:
        return Finding("transport", Verdict.OK, _("{service} takes what is published.").format(service=service))
    if condition is Condition.REFUSES:
        text = _("{service} refuses what is published, and viewers are served by the stream: its credentials, its quota or our clock.")  # noqa: E501  # fmt: skip
        remedy = _("Put it right, then restart the workers and the web server; viewers are back within two minutes. The workers' log has the answer.")  # noqa: E501  # fmt: skip
        return Finding("transport", Verdict.FAIL, text.format(service=service), remedy)
    text = _("{service} is away or busy, and viewers are served by the stream.").format(service=service)
    remedy = _("It is tried again once a minute or oftener; look at the service's status page if this lasts.")
    return Finding("transport", Verdict.WARN, text, remedy)


def workers(count: int) -> Finding:
    """Whether anybody runs jobs."""
    if count:
        return Finding("worker", Verdict.OK, _("A worker answers."))
    remedy = _("Start one: celery -A config.celery worker -Q default,long,urgent,maintenance, or manage.py up.")
    return Finding("worker", Verdict.FAIL, _("No worker answers: tasks wait and none runs."), remedy)


def maintenance(silent_s: float | None, *, first_in_s: float | None = None) -> Finding:
    """Whether beat sends the rounds of maintenance; None: it never did. `first_in_s`: it has just begun, and will."""
    if first_in_s is not None:
        text = _("Beat has begun: the first round of maintenance is due within {seconds} s.")
        return Finding("maintenance", Verdict.OK, text.format(seconds=ceil(first_in_s)))
    if silent_s is not None and silent_s <= BEAT_MAY_BE_SILENT_S:
        return Finding("maintenance", Verdict.OK, _("Maintenance is asked for in time."))
    text = _("Maintenance was never asked for.")
    if silent_s is not None:
        text = _("Maintenance was last asked for {seconds} s ago.").format(seconds=round(silent_s))
    return Finding("maintenance", Verdict.WARN, text, _("Start Celery beat: celery -A config.celery beat."))
