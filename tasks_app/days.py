"""Days as people name them: 2026-11-27, today, yesterday, or 7d for the last seven; in the reader's language too."""

import re
from datetime import date, datetime, time, timedelta
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

NAMED: Final = {_("today"): 0, _("yesterday"): 1}  # days ago
_SPAN: Final = re.compile(r"([0-9]{1,4})([hd])")


def named(word: str) -> str:
    """The English name of a day that has one, written in English or the reader's language; empty: it has none."""
    wanted = word.casefold()
    return next((name for name in NAMED if wanted in {name, gettext(name).casefold()}), "")


def day(value: str) -> date | None:
    """The day that a term names, None if it names none."""
    name = named(value)
    if name:
        return timezone.localdate() - timedelta(days=NAMED[name])
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def begin(value: str) -> datetime | None:
    """From when on: the beginning of a day, or so many hours or days ago (`12h`, `7d`); None: it is neither."""
    before = span(value)
    if before is not None:
        return timezone.now() - before
    found = day(value)
    return None if found is None else midnight(found)


def span(value: str) -> timedelta | None:
    """How long `12h` or `7d` is, None for anything else."""
    told = _SPAN.fullmatch(value)
    if told is None:
        return None
    return timedelta(hours=int(told[1])) if told[2] == "h" else timedelta(days=int(told[1]))


def midnight(of: date) -> datetime:
    """When a day begins where the server is."""
    return datetime.combine(of, time(), timezone.get_current_timezone())
