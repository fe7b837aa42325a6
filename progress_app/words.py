"""The words that the browser's modules say, so that they can be translated: `wording.js` has them as its English.

A test compares the two.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Union

from django.utils.formats import number_format
from django.utils.translation import get_language, gettext, override
from django.utils.translation import gettext_noop as _

from progress_app.events import State

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

Words = Union[str, "StrPromise"]  # as written, or to be translated when shown

WORDS = (
    _("about {high} {unit} left"),
    _("Cancelled"),
    _("Cancelling"),
    _("connecting"),
    _("done"),
    _("Failed"),
    _("for {time}"),
    _("live"),
    _("Lost"),
    _("next in line"),
    _("no access: log in again"),
    _("no step for {time}"),
    _("number {place} in line"),
    _("offline"),
    _("polling"),
    _("Queued"),
    _("reconnecting"),
    _("reconnecting in {seconds} s"),
    _("Retrying"),
    _("Running"),
    _("running"),
    _("Succeeded"),
    _("to do"),
    _("stopped"),
    _("took {time}"),
    _("{count} s"),
    _("{done} of {total}"),
    _("{hours} h {minutes} min"),
    _("{low}–{high} {unit} left"),
    _("{minutes} min {seconds} s"),
    _("{name}, {number} of {total}"),
    _("{place}, starts in about {time}"),
    _("{place}, starts soon"),
    _("{text}, as of {time}"),
)

# What jobs count in most often.
UNITS = (
    _("batches"),
    _("bytes"),
    _("cells"),
    _("files"),
    _("images"),
    _("items"),
    _("lines"),
    _("rows"),
    _("steps"),
    _("task"),
    _("tasks"),
)
# How much a line of a log matters.
LEVELS = (
    _("debug"),
    _("error"),
    _("info"),
    _("warning"),
)
STATES: Final = frozenset(state.value for state in State)
_of_project: dict[str, None] = {}


def also(words: Iterable[str]) -> None:
    """Have the page's modules say these in its language too: a project's titles, stages, units, messages and errors.

    They travel as they were written; who shows them looks up what its reader calls them.
    """
    _of_project.update(dict.fromkeys(words))


def as_written(words: Words) -> str:
    """The text itself of what is to be translated when shown: what travels to who has a language."""
    with override(None):
        return str(words)


def fill(text: str, **values: object) -> str:
    """A text with its values in their braces; whole numbers as the present language groups their digits."""
    return text.format(**{name: _figure(value) if type(value) is int else value for name, value in values.items()})


def _figure(number: int) -> str:
    return str(number_format(number, force_grouping=True))


def said(text: str) -> str:
    """A text of a job in the present language; as it is where nobody has translated it."""
    return gettext(text) if text else ""


def translated() -> dict[str, str]:
    """Each word that is another one in the present language; empty in English."""
    if (get_language() or "en").startswith("en"):
        return {}
    every = (*WORDS, *UNITS, *LEVELS, *filter(None, _of_project))
    return {word: gettext(word) for word in every if gettext(word) != word}


def state_text(state: str) -> str:
    """A state in the present language; what is no state stays as it is."""
    return gettext(state.capitalize()) if state in STATES else state
