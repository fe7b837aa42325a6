"""Seconds in words: the server's words for what wording.js says in the browser."""

from math import ceil
from typing import Final

from django.utils.formats import number_format
from django.utils.translation import gettext as _

NOTHING_S: Final = 0.05
PRECISE_S: Final = 9.95  # below it a tenth of a second tells something
MINUTE_S: Final = 60
HOUR_S: Final = 3600
IN_MINUTES_FROM_S: Final = 90  # a range of which the upper end is at least so long


def duration_text(seconds: float) -> str:
    """Seconds as "0 s", "0.4 s", "12 s", "3 min 05 s", "2 h 07 min"; the parts are cut, not rounded."""
    if seconds < NOTHING_S:
        return _("{count} s").format(count=0)
    if seconds < PRECISE_S:
        return _("{count} s").format(count=number_format(round(seconds, 1), 1))
    minutes, rest = divmod(int(seconds), MINUTE_S)
    if not minutes:
        return _("{count} s").format(count=rest)
    if minutes < MINUTE_S:
        return _("{minutes} min {seconds} s").format(minutes=minutes, seconds=f"{rest:02}")
    hours, minutes = divmod(minutes, MINUTE_S)
    return _("{hours} h {minutes} min").format(hours=hours, minutes=f"{minutes:02}")


def range_text(low: float, high: float) -> str:
    """A range as "18–24 s", "3–4 min", "about 20 s" where both ends are one figure; rounded up."""
    in_minutes = high >= IN_MINUTES_FROM_S
    first, last = (ceil(end / MINUTE_S if in_minutes else end) for end in (low, high))
    if first == last:
        return (_("about {count} min") if in_minutes else _("about {count} s")).format(count=last)
    return (_("{low}–{high} min") if in_minutes else _("{low}–{high} s")).format(low=first, high=last)
