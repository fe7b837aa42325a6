"""The words that the browser's modules say, so that they can be translated: `wording.js` has them as its English.

A test compares the two.
"""

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


STATES: Final = frozenset(state.value for state in State)


def translated() -> dict[str, str]:
    """Each word that is another one in the present language; empty in English."""
    if (get_language() or "en").startswith("en"):
        return {}
    return {word: gettext(word) for word in WORDS if gettext(word) != word}


def state_text(state: str) -> str:
    """A state in the present language; what is no state stays as it is."""
    return gettext(state.capitalize()) if state in STATES else state
