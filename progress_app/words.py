"""The words that the browser's modules say, so that they can be translated: `wording.js` has them as its English.

A test compares the two.
"""

from collections.abc import Iterable
from typing import Final

from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

from progress_app.events import State

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
    _("took {time}"),
    _("{count} s"),
    _("{done} of {total}"),
    _("{hours} h {minutes} min"),
    _("{low}–{high} {unit} left"),
    _("{minutes} min {seconds} s"),
    _("{name}, {number} of {total}"),
    _("{place}, starts in about {time}"),
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
    _("tasks"),
)
STATES: Final = frozenset(state.value for state in State)
_of_project: dict[str, None] = {}


def also(words: Iterable[str]) -> None:
    """Have the bars say these in the page's language too: a project's names of stages, units, messages and errors.

    They travel as they were written; who shows them looks up what its reader calls them.
    """
    _of_project.update(dict.fromkeys(words))


def said(text: str) -> str:
    """A text of a job in the present language; as it is where nobody has translated it."""
    return gettext(text) if text else ""


def translated() -> dict[str, str]:
    """Each word that is another one in the present language; empty in English."""
    if (get_language() or "en").startswith("en"):
        return {}
    every = (*WORDS, *UNITS, *filter(None, _of_project))
    return {word: gettext(word) for word in every if gettext(word) != word}


def state_text(state: str) -> str:
    """A state in the present language; what is no state stays as it is."""
    return gettext(state.capitalize()) if state in STATES else state
