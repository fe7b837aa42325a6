"""Which notices a person has seen: the account knows it, so that the phone does not tell what the desk has shown."""

from typing import Final

from django.db import transaction

from tasks_app.models import Seen

MOST_APART: Final = 50


def seen_by(user_id: int) -> Seen:
    """What this person has seen; nothing as long as they have looked at nothing."""
    return Seen.objects.filter(pk=user_id).first() or Seen(pk=user_id)


def see_all(user_id: int, until: float) -> None:
    """Note that all that was told until this Unix time in seconds was seen."""
    with transaction.atomic():
        seen, _ = Seen.objects.select_for_update().get_or_create(pk=user_id)
        seen.until = max(seen.until, until)
        seen.save()


def see(user_id: int, task: str) -> None:
    """Note that the notice of one task was seen, because its own page was."""
    with transaction.atomic():
        seen, _ = Seen.objects.select_for_update().get_or_create(pk=user_id)
        if task not in seen.apart:
            seen.apart = [*seen.apart, task][-MOST_APART:]
            seen.save()
