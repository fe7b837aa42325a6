"""Which tasks are meant: terms such as `state:failed` and plain words, as the list, an export and bulk verbs take them.

    state:failed job:profile_csv owner:alice after:2026-11-01 orders

Terms of one key are alternatives, all else must hold together. A plain word is looked for in the message, the error,
the owner's name and at the beginning of the task's id, in the newest tasks: see `searched_since`. What has blanks in it
stands in double quotes, `error:"torn row"`, and a double quote within is doubled.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from progress_app.events import State
from tasks_app.models import Task
from tasks_app.permissions import listed_tasks, own_tasks
from tasks_app.registry import all_jobs
from tasks_app.transitions import Transitions

QUOTE: Final = '"'
_PART: Final = re.compile(r'(?:(?P<key>\w+):)?(?:"(?P<quoted>(?:[^"]|"")*)"(?!\S)|(?P<plain>\S+))')
_NEEDS_QUOTES: Final = re.compile(r'\s|^"')
_ID: Final = re.compile(r"[0-9a-f]{8,32}")
MOST_TERMS: Final = 20
LONGEST_TERM: Final = 100
MOST_SEARCHED: Final = 100_000  # for a word, the newest: SQLite reads them in 30 ms
MINE, ALL = "mine", "all"
ORDERS: Final = {"newest": "-created_at", "oldest": "created_at", "job": "job", "state": "state"}
STATES: Final = frozenset(state.value for state in State)


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; `key` is empty for a plain word."""

    key: str
    value: str

    def __str__(self) -> str:
        value = f'"{self.value.replace(QUOTE, QUOTE * 2)}"' if _NEEDS_QUOTES.search(self.value) else self.value
        return f"{self.key}:{value}" if self.key else value

    @property
    def condition(self) -> Q:
        """What must hold; a value that cannot hold anything matches nothing."""
        return _KEYS.get(self.key, _word)(self.value)


def terms(texts: Iterable[str]) -> list[Term]:
    """The different terms of these texts, in their order; a key that nobody knows is part of a word."""
    found: dict[Term, None] = {}
    for text in texts:
        for part in _PART.finditer(text.replace("\x00", "\ufffd")):  # PostgreSQL would refuse to look for a NUL
            if (term := _term(part)).value:
                found[term] = None
    return list(found)[:MOST_TERMS]


def _term(part: re.Match[str]) -> Term:
    key, quoted, plain = (part["key"] or "").lower(), part["quoted"], part["plain"] or ""
    value = plain if quoted is None else quoted.replace(QUOTE * 2, QUOTE)
    if value and key in _KEYS:
        return Term(key, value[:LONGEST_TERM])
    whole = f"{part['key']}:{value}" if part["key"] else value
    return Term("", whole[:LONGEST_TERM])


def chosen(user: Any, wanted: Iterable[Term], scope: str = MINE) -> Transitions:
    """The tasks that a user may see and that the terms mean: their own, or with `ALL` every one."""
    wanted = list(wanted)
    tasks = _in_scope(user, scope)
    if all(term.key != "parent" for term in wanted):
        tasks = tasks.filter(parent=None)  # children stand on their parent's page
    for condition in _by_key(wanted).values():
        tasks = tasks.filter(condition)
    return _with_words(tasks, wanted, searched_since(user, wanted, scope))


def searched_since(user: Any, wanted: Iterable[Term], scope: str = MINE) -> datetime | None:
    """From when on tasks are searched for words; None: all are. To look further back, say `before:`.

    To find a word each task must be read, and nobody waits for a million.
    """
    wanted = list(wanted)
    if all(term.key for term in wanted):
        return None
    tasks = Task.objects.all() if scope == ALL else _in_scope(user, scope)
    asked = tasks.filter(_by_key(wanted).get("before", Q())).order_by("-created_at")
    return asked.values_list("created_at", flat=True)[MOST_SEARCHED : MOST_SEARCHED + 1].first()


def _in_scope(user: Any, scope: str) -> Transitions:
    return listed_tasks(user) if scope == ALL else own_tasks(user)


def _by_key(wanted: Iterable[Term]) -> dict[str, Q]:
    """What must hold of each key: one of the terms that name it."""
    found: dict[str, Q] = {}
    for term in wanted:
        if term.key:
            found[term.key] = found.get(term.key, Q()) | term.condition
    return found


def _with_words(tasks: Transitions, wanted: Iterable[Term], since: datetime | None) -> Transitions:
    texts = []
    for term in wanted:
        if term.key:
            continue
        span = ids(term.value)
        if span and tasks.filter(pk__range=span).exists():
            tasks = tasks.filter(pk__range=span)  # however old: who brings an id along means that task
        else:
            texts.append(term.condition)
    if texts and since is not None:
        tasks = tasks.filter(created_at__gt=since)
    for condition in texts:
        tasks = tasks.filter(condition)
    return tasks


def ids(word: str) -> tuple[UUID, UUID] | None:
    """The first and the last id that begin with this word; None: it is too short to mean one, or is none."""
    digits = word.replace("-", "").lower()
    if not _ID.fullmatch(digits):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


def suggestions() -> list[tuple[str, str]]:
    """Terms to offer, each with what it means."""
    states = [(f"state:{state.value}", "") for state in State]
    jobs = [(f"job:{job.name}", str(job.title)) for job in all_jobs()]
    today = datetime.now(UTC).date()
    dates = [(f"after:{today - timedelta(days=days)}", label) for days, label in _ages()]
    return [*states, *jobs, *dates]


def _ages() -> list[tuple[int, str]]:
    return [(0, _("today")), (7, _("the last 7 days")), (30, _("the last 30 days"))]


def _state(value: str) -> Q:
    return Q(state=value) if value in STATES else Q(pk__in=[])


def _owner(value: str) -> Q:
    return Q(owner__username__iexact=value)


def _parent(value: str) -> Q:
    try:
        return Q(parent=UUID(value))
    except ValueError:
        return Q(pk__in=[])


def _after(value: str) -> Q:
    day = _day(value)
    return Q(created_at__gte=day) if day else Q(pk__in=[])


def _before(value: str) -> Q:
    day = _day(value)
    return Q(created_at__lt=day) if day else Q(pk__in=[])


def _day(value: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(value), time(), UTC)
    except ValueError:
        return None


def _word(value: str) -> Q:
    owners = get_user_model()._default_manager.filter(username__icontains=value)  # noqa: SLF001  (Django's own name)
    text = Q(message__icontains=value) | Q(error_text__icontains=value)
    return text | Q(id__istartswith=value) | Q(owner__in=owners.values("pk"))


def _ended(value: str) -> Q:
    """Within so long before now: `ended:1h`, `ended:7d`."""
    told = _SPAN.fullmatch(value)
    if told is None:
        return Q(pk__in=[])
    span = timedelta(hours=int(told[1])) if told[2] == "h" else timedelta(days=int(told[1]))
    return Q(finished_at__gte=timezone.now() - span)


_SPAN: Final = re.compile(r"([0-9]{1,4})([hd])")
_KEYS: Final = {
    "state": _state,
    "job": lambda value: Q(job=value),
    "owner": _owner,
    "after": _after,
    "before": _before,
    "ended": _ended,
    "error": lambda value: Q(error_code=value),
    "parent": _parent,
}
