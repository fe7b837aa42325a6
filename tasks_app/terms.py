"""What people write into a search: `state:failed job:"Profile a CSV file" after:yesterday orders`.

Keys and the words for states, jobs and days are understood in English and in the reader's language, in any case, with a
blank behind the colon or without. A term holds them as addresses and parameters have them, which no language changes;
`label` is what the reader is shown. What has blanks in it stands in double quotes; a double quote within is doubled,
and one that is not closed goes to the end.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

from progress_app.events import State
from progress_app.words import as_written, state_text
from tasks_app import days
from tasks_app.registry import all_jobs, find

# How each key may be spelled; the first is the one that is shown.
SPELLINGS: Final = {
    "state": _("state status"),
    "job": _("job"),
    "owner": _("owner user"),
    "date": _("date day"),
    "after": _("after since"),
    "before": _("before"),
    "ended": _("ended"),
    "error": _("error"),
    "parent": _("parent"),
    "from": _("from"),  # a change of many: the tasks that it changed or made
}
DAYS: Final = frozenset({"date", "after", "before"})
IDS: Final = frozenset({"parent", "from"})
STATES: Final = tuple(state.value for state in State)
QUOTE: Final = '"'
SHORT_ID: Final = 8  # digits of an id that are shown
MOST_TERMS: Final = 20
LONGEST_TERM: Final = 100
_NEEDS_QUOTES: Final = re.compile(r'\s|^"')


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; `key` is empty for a plain word."""

    key: str
    value: str

    def __str__(self) -> str:
        return _written(self.key, self.value)

    @property
    def label(self) -> str:
        """The same for the reader, who may write it so."""
        return _written(spelled(self.key) if self.key else "", _shown(self.key, self.value))


def terms(texts: Iterable[str]) -> list[Term]:
    """The different terms of these texts, in their order; a key that nobody knows is part of a word."""
    found: dict[Term, None] = {}
    part = _part(get_language() or "")
    for text in texts:
        for match in part.finditer(text.replace("\x00", "\ufffd")):  # PostgreSQL would refuse to look for a NUL
            if (term := _term(match)).value:
                found[term] = None
    return list(found)[:MOST_TERMS]


def key_of(spelling: str) -> str:
    """The key that is spelled so, empty if none is."""
    return _keys(get_language() or "").get(spelling.casefold(), "")


def spelled(key: str) -> str:
    """How a key is shown to the reader."""
    return gettext(SPELLINGS[key]).split()[0].lower()


def spellings() -> list[str]:
    """How the reader may spell the keys."""
    return list(_keys(get_language() or ""))


@cache
def _keys(_language: str) -> dict[str, str]:
    """The key of every spelling; asked for in that language."""
    return {
        spelling.casefold(): key
        for key, written in SPELLINGS.items()
        for spelling in (*written.split(), *gettext(written).split())
    }


@cache
def _part(language: str) -> re.Pattern[str]:
    """What finds one term after the other: after a known key blanks do not matter, unless the next key follows."""
    known = "|".join(map(re.escape, _keys(language)))
    value = r'(?:"(?P<quoted>(?:[^"]|"")*)(?:"(?!\S)|\Z)|(?P<plain>\S+))'
    return re.compile(rf"(?:(?P<key>{known}):\s*(?!(?:{known}):)|(?P<other>\w+):)?{value}", re.IGNORECASE)


def _term(part: re.Match[str]) -> Term:
    key, quoted, plain = key_of(part["key"] or ""), part["quoted"], part["plain"] or ""
    value = plain if quoted is None else quoted.replace(QUOTE * 2, QUOTE)
    if value and key:
        return Term(key, _plain(key, value[:LONGEST_TERM]))
    if quoted is None and (day := days.named(plain)) and not part["other"]:
        return Term("date", day)
    whole = f"{part['other']}:{value}" if part["other"] else value
    return Term("", whole[:LONGEST_TERM])


def _plain(key: str, value: str) -> str:
    """A value as no language changes it; one that is not understood stays as it is."""
    wanted = value.casefold()
    if key == "state":
        return next((state for state in STATES if wanted in {state, state_text(state).casefold()}), value)
    if key == "job":
        titled = (job.name for job in all_jobs() if wanted in {job.name, *_titles(job.title)})
        return next(titled, value)
    return (days.named(value) if key in DAYS else "") or value


def _titles(title: object) -> set[str]:
    return {str(title).casefold(), as_written(title).casefold()}  # type: ignore[arg-type]


def jobs_called(word: str) -> list[str]:
    """The names of the jobs that have this in their name or title, in whatever case and language of the reader."""
    wanted = word.casefold()
    return [job.name for job in all_jobs() if any(wanted in text for text in (job.name, *_titles(job.title)))]


def words_known() -> list[str]:
    """What a word may have meant: the words of the jobs, the states and the days, as the reader has them."""
    titles = [word for job in all_jobs() for title in _titles(job.title) for word in title.split()]
    states = [word.casefold() for state in STATES for word in (state, state_text(state))]
    return [*titles, *states, *days.NAMED, *map(gettext, days.NAMED)]


def states_called(word: str) -> list[str]:
    """The states that have this in their word, likewise."""
    wanted = word.casefold()
    return [state for state in STATES if wanted in state or wanted in state_text(state).casefold()]


def _shown(key: str, value: str) -> str:
    if key == "state":
        return state_text(value).lower() if value in STATES else value
    if key == "job":
        return str(job.title) if (job := find(value)) else value
    if key in DAYS:
        return gettext(value) if value in days.NAMED else value
    return value[:SHORT_ID] if key in IDS else value


def _written(key: str, value: str) -> str:
    text = f'"{value.replace(QUOTE, QUOTE * 2)}"' if _NEEDS_QUOTES.search(value) else value
    return f"{key}:{text}" if key else text
