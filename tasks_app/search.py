"""Which tasks are meant by the terms of a search, as the list, an export and bulk verbs take them.

Terms of one key are alternatives, all else must hold together: see `terms`. A plain word is looked for in what the list
shows of a task: its job's title, its state, its message and error, the names of its files, its owner, and the beginning
of its id; in the newest tasks, see `searched_since`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from progress_app.words import translated
from tasks_app import days
from tasks_app.jobnames import job_names
from tasks_app.models import Attachment, Task
from tasks_app.permissions import listed_tasks, own_tasks
from tasks_app.terms import STATES, Term, jobs_called, states_called
from tasks_app.transitions import Transitions

_ID: Final = re.compile(r"[0-9a-f]{8,32}")
_PART_OF_ID: Final = re.compile(r"[0-9a-f-]+", re.IGNORECASE)
MOST_SEARCHED: Final = 100_000  # for a word, the newest: SQLite reads them in 30 ms
MOST_NAMED: Final = 10_000  # tasks with such a file, or such owners, which a query names one by one
MINE, ALL = "mine", "all"
ORDERS: Final = {"newest": "-created_at", "oldest": "created_at", "job": "job", "state": "state"}
NOTHING: Final = Q(pk__in=[])


def chosen(user: Any, wanted: Iterable[Term], scope: str = MINE) -> Transitions:
    """The tasks that a user may see and that the terms mean: their own, or with `ALL` every one."""
    wanted = list(wanted)
    tasks = _in_scope(user, scope)
    if all(term.key != "parent" for term in wanted):
        tasks = tasks.filter(parent=None)  # children stand on their parent's page
    return narrowed(tasks, wanted, searched_since(user, wanted, scope))


def narrowed(tasks: Transitions, wanted: Iterable[Term], since: datetime | None) -> Transitions:
    """Those of the tasks that the terms mean; words are looked for in what came after `since`, None: in all."""
    wanted = list(wanted)
    for holds in _by_key(wanted).values():
        tasks = tasks.filter(holds)
    return _with_words(tasks, wanted, since)


def searched_since(user: Any, wanted: Iterable[Term], scope: str = MINE) -> datetime | None:
    """From when on tasks are searched for words; None: all are. To look further back, say `before:`.

    To find a word each task must be read, and nobody waits for a million.
    """
    wanted = list(wanted)
    if all(term.key for term in wanted):
        return None
    tasks = Task.objects.all() if scope == ALL else _in_scope(user, scope)
    holds = _by_key(term for term in wanted if term.key in {"before", "date"})
    asked = tasks.filter(*holds.values()).order_by("-created_at")
    return asked.values_list("created_at", flat=True)[MOST_SEARCHED : MOST_SEARCHED + 1].first()


def _in_scope(user: Any, scope: str) -> Transitions:
    return listed_tasks(user) if scope == ALL else own_tasks(user)


def _by_key(wanted: Iterable[Term]) -> dict[str, Q]:
    """What must hold of each key: one of the terms that name it."""
    found: dict[str, Q] = {}
    for term in wanted:
        if term.key:
            found[term.key] = found.get(term.key, Q()) | condition(term)
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
            texts.append(_word(term.value, since))
    if texts and since is not None:
        tasks = tasks.filter(created_at__gt=since)
    for holds in texts:
        tasks = tasks.filter(holds)
    return tasks


def ids(word: str) -> tuple[UUID, UUID] | None:
    """The first and the last id that begin with this word; None: it is too short to mean one, or is none."""
    digits = word.replace("-", "").lower()
    if not _ID.fullmatch(digits):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


def condition(term: Term) -> Q:
    """What must hold for a term with a key; a value that cannot hold anything matches nothing."""
    return _KEYS[term.key](term.value)


def _word(value: str, since: datetime | None) -> Q:
    """A word in what the list shows. Of jobs, states and owners it is known beforehand which are meant."""
    holds = Q(message__icontains=value) | _filled("error_text", value) | _filled("own_title", value)
    holds |= Q(job__in=_jobs_called(value)) | Q(state__in=states_called(value)) | _of_owner(value)
    holds |= _of_file(value, since) | _said(value)
    return holds | Q(id__istartswith=value) if _PART_OF_ID.fullmatch(value) else holds


def _filled(field: str, value: str) -> Q:
    """A word in what is empty mostly: PostgreSQL takes half as long if it is told so."""
    return Q(**{f"{field}__gt": "", f"{field}__icontains": value})


def _jobs_called(value: str) -> set[str]:
    """The jobs that have this in their title or name; also those that are in no code any more, or never were."""
    wanted = value.casefold()
    return {name for name in job_names() if wanted in name.casefold()} | set(jobs_called(value))


def _of_owner(value: str) -> Q:
    """Tasks by the names of their owners."""
    users = get_user_model()._default_manager.filter(username__icontains=value)  # noqa: SLF001  (Django's own name)
    few = list(users.values_list("pk", flat=True)[: MOST_NAMED + 1])
    return Q(owner__in=few) if len(few) <= MOST_NAMED else Q(owner__in=users.values("pk"))


def _of_file(value: str, since: datetime | None) -> Q:
    """Tasks by the names of their files. So that neither a rare name nor a frequent one takes long, few are named here.

    Of many the database asks each task for its files, and soon has enough for a page.
    """
    files = Attachment.objects.filter(name__icontains=value)
    if since is not None:
        files = files.filter(created_at__gt=since)  # a file is younger than its task
    few = list(files.order_by().values_list("task", flat=True)[: MOST_NAMED + 1])
    return Q(pk__in=few) if len(few) <= MOST_NAMED else Q(Exists(files.filter(task=OuterRef("pk"))))


def _said(value: str) -> Q:
    """A word in what is shown in the reader's language in place of what was written."""
    wanted = value.casefold()
    written = [text for text, shown in translated().items() if wanted in shown.casefold()]
    return Q(message__in=written) | Q(error_text__in=written) if written else Q()


def _state(value: str) -> Q:
    return Q(state=value) if value in STATES else NOTHING


def _job(value: str) -> Q:
    return Q(job__in={value, *_jobs_called(value)})


def _owner(value: str) -> Q:
    return Q(owner__username__iexact=value)


def _parent(value: str) -> Q:
    span = ids(value)
    if span is None:
        return NOTHING
    return Q(parent=span[0]) if span[0] == span[1] else Q(parent__gte=span[0], parent__lte=span[1])


def _from(value: str) -> Q:
    """The tasks that a change of many changed or made: it reports them."""
    span = ids(value)
    result = Task.objects.filter(pk__range=span).values_list("result", flat=True).first() if span else None
    told = result.get("tasks") if isinstance(result, Mapping) else None
    return Q(pk__in=[each for each in told if _is_id(each)]) if isinstance(told, list) else NOTHING


def _is_id(value: object) -> bool:
    try:
        return bool(UUID(str(value)))
    except ValueError:
        return False


def _date(value: str) -> Q:
    day = days.day(value)
    if day is None:
        return NOTHING
    return Q(created_at__gte=days.midnight(day), created_at__lt=days.midnight(day + timedelta(days=1)))


def _after(value: str) -> Q:
    begin = days.begin(value)
    return Q(created_at__gte=begin) if begin else NOTHING


def _before(value: str) -> Q:
    begin = days.begin(value)
    return Q(created_at__lt=begin) if begin else NOTHING


def _ended(value: str) -> Q:
    """Within so long before now: `ended:1h`, `ended:7d`."""
    span = days.span(value)
    return Q(finished_at__gte=timezone.now() - span) if span else NOTHING


_KEYS: Final[Mapping[str, Callable[[str], Q]]] = {
    "state": _state,
    "job": _job,
    "owner": _owner,
    "date": _date,
    "after": _after,
    "before": _before,
    "ended": _ended,
    "error": lambda value: Q(error_code=value),
    "parent": _parent,
    "from": _from,
}
