"""What is wrong with a search, in words for who wrote it, and what they may have meant."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from django.utils.translation import gettext as _

from tasks_app import days, search
from tasks_app.registry import all_jobs
from tasks_app.terms import (
    DAYS,
    IDS,
    SPELLINGS,
    STATES,
    Term,
    jobs_called,
    key_of,
    spelled,
    spellings,
    states_called,
    terms,
    words_known,
)

ALIKE: Final = 0.75  # that a word must be to what it is taken for: it may be one that no task happens to have


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One sentence about a term, and the term that stands near it, None if none does."""

    term: Term
    text: str
    instead: Term | None = None


def advise(wanted: Iterable[Term], *, found: bool) -> list[Advice]:
    """What to say of these terms; `found`: something fits them all, so that only what is surely wrong is told."""
    told = (_of(term, found=found) for term in wanted)
    return [advice for advice in told if advice is not None]


def _of(term: Term, *, found: bool) -> Advice | None:
    if not term.key:
        return _of_word(term, found=found)
    if term.key == "state":
        return _of_state(term)
    if term.key == "job":
        return None if found else _of_job(term)
    if term.key == "error" and not found:  # somebody may have pasted the text of one
        text = _("No error here has the code {value}.").format(value=term.value)
        return Advice(term=term, text=text, instead=Term("", term.value))
    if term.key in DAYS | IDS | {"ended"}:
        return _of_form(term)
    return None


def _of_state(term: Term) -> Advice | None:
    if term.value in STATES:
        return None
    words = {Term("state", state).label.partition(":")[2]: state for state in STATES}
    text = _("There is no state {value}; there are {states}.").format(value=term.value, states=", ".join(words))
    return Advice(term=term, text=text, instead=_near("state", term.value, words | {each: each for each in STATES}))


def _of_job(term: Term) -> Advice | None:
    if jobs_called(term.value):
        return None
    words = {str(job.title): job.name for job in all_jobs()} | {job.name: job.name for job in all_jobs()}
    titles = ", ".join(str(job.title) for job in all_jobs())
    text = _("No job is called {value}; there are {jobs}.").format(value=term.value, jobs=titles)
    return Advice(term=term, text=text, instead=_near("job", term.value, words))


def _of_form(term: Term) -> Advice | None:
    fits, text = _form(term)
    return None if fits else Advice(term=term, text=text.format(value=term.value))


def _form(term: Term) -> tuple[bool, str]:
    """Whether a value has the form that its key asks for, and what is said if not."""
    if term.key == "ended":
        return days.span(term.value) is not None, _("{value} is no span of time: say 12h or 7d.")
    if term.key in IDS:
        return search.ids(term.value) is not None, _("{value} is not the id of a task.")
    if term.key == "date":
        return days.day(term.value) is not None, _("{value} is no day: say 2026-11-27, today or yesterday.")
    return days.begin(term.value) is not None, _("{value} is no day: say 2026-11-27, today, yesterday or 7d.")


def _of_word(term: Term, *, found: bool) -> Advice | None:
    """A word with a colon in it was perhaps meant as a key: near to one, or where nothing was found."""
    spelling, colon, value = term.value.partition(":")
    if not colon:
        return None if found else _of_plain(term)
    if not spelling.isalpha() or value.startswith("//"):
        return None
    near = get_close_matches(spelling.casefold(), spellings(), 1)
    if found and not near:
        return None
    if not near and days.named(value):
        near = ["date"]
    if not value:
        text = _("Nothing stands behind {key}:").format(key=spelling)
        return Advice(term=term, text=text) if key_of(spelling) else None
    keys = ", ".join(f"{spelled(known)}:" for known in SPELLINGS)
    text = _("The search knows no {key}:; it knows {keys}").format(key=spelling, keys=keys)
    instead = next(iter(terms([f"{near[0]}:{value}"])), None) if near else None
    return Advice(term=term, text=text, instead=instead)


def _of_plain(term: Term) -> Advice | None:
    """A word that nothing has was perhaps meant as one that is known."""
    if jobs_called(term.value) or states_called(term.value):
        return None
    near = get_close_matches(term.value.casefold(), words_known(), 1, ALIKE)
    if not near:
        return None
    text = _("Nothing was found with {value}.").format(value=term.value)
    return Advice(term=term, text=text, instead=next(iter(terms(near))))


def _near(key: str, value: str, words: dict[str, str]) -> Term | None:
    lower = {word.casefold(): meant for word, meant in words.items()}
    near = get_close_matches(value.casefold(), lower, 1)
    return Term(key, lower[near[0]]) if near else None
