"""What stands about the search in the list: its terms to take away, those to add with one click, and what to type."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.http import QueryDict
from django.utils.translation import gettext as _

from progress_app.events import State
from progress_app.words import state_text
from tasks_app.advice import Advice
from tasks_app.registry import all_jobs
from tasks_app.search import ALL, MINE
from tasks_app.terms import Term

# States that people look for; the others are gone in a moment.
QUICK_STATES: Final = (
    State.QUEUED, State.RUNNING, State.SUCCEEDED, State.FAILED, State.CANCELLED, State.LOST,
)  # fmt: skip
QUICK_DAYS: Final = (Term("date", "today"), Term("date", "yesterday"), Term("after", "7d"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A term and the address of the list with it, or, if it `is_on`, without it."""

    text: str  # what the reader calls it
    term: Term
    address: str
    is_on: bool


def scope_of(given: Mapping[str, Any]) -> str:
    """Whose tasks are asked for."""
    return ALL if given.get("scope") == ALL else MINE


def chips(wanted: list[Term], given: QueryDict) -> list[Link]:
    """The terms of the search, to take away."""
    return [_link(term.label, term, wanted, given) for term in wanted]


def quick_links(wanted: list[Term], given: QueryDict) -> list[Link]:
    """Days and states, to put on and off."""
    spans = zip((_("today"), _("yesterday"), _("the last 7 days")), QUICK_DAYS, strict=True)
    states = [(state_text(state), Term("state", state.value)) for state in QUICK_STATES]
    return [_link(text, term, wanted, given) for text, term in (*spans, *states)]


def corrections(told: list[Advice], wanted: list[Term], given: QueryDict) -> list[tuple[str, Link | None]]:
    """What is said of the search, each with the address of what was perhaps meant."""
    return [(advice.text, _correction(advice, wanted, given)) for advice in told]


def suggestions() -> list[tuple[str, str]]:
    """Terms to offer while one types, as the reader may write them, each with what it means."""
    states = [(Term("state", state.value).label, "") for state in State]
    jobs = [(Term("job", job.name).label, "") for job in all_jobs() if not job.internal]
    spans = [(Term("date", "today"), ""), (Term("date", "yesterday"), ""), (Term("after", "7d"), _("the last 7 days"))]
    return [*states, *jobs, *((term.label, meaning) for term, meaning in spans)]


def orders() -> list[tuple[str, str]]:
    """What the list may be sorted by."""
    return [("newest", _("newest")), ("oldest", _("oldest")), ("job", _("job")), ("state", _("state"))]


def _link(text: str, term: Term, wanted: list[Term], given: QueryDict) -> Link:
    is_on = term in wanted
    rest = [other for other in wanted if other != term]
    return Link(text=text, term=term, address=_address(rest if is_on else [*rest, term], given), is_on=is_on)


def _correction(advice: Advice, wanted: list[Term], given: QueryDict) -> Link | None:
    if advice.instead is None:
        return None
    mended = [advice.instead if term == advice.term else term for term in wanted]
    return Link(text=advice.instead.label, term=advice.instead, address=_address(mended, given), is_on=False)


def _address(wanted: list[Term], given: QueryDict) -> str:
    other = given.copy()
    other.setlist("q", [str(term) for term in wanted])
    other.pop("page", None)
    return f"?{other.urlencode()}"
