"""Who wants an e-mail at a task's end: sent once, by a round of maintenance, in the language in which they asked."""

import logging
import smtplib
from typing import Any, Final

from django.conf import settings
from django.core.mail import send_mail
from django.db.models import F
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from progress_app import patience
from progress_app.events import FINAL
from tasks_app import conf
from tasks_app.language import speaking
from tasks_app.models import Subscription, Task
from tasks_app.refusal import Refused

MOST_TRIES: Final = 5  # a mail server that refuses so often will not take it
MOST_A_ROUND: Final = 100
MAIL: Final = "the mail server"

NO_MAIL: Final = "django.core.mail.backends.console.EmailBackend"

logger = logging.getLogger(__name__)


def can_mail(user: Any) -> bool:
    """Whether an e-mail would reach this user: they have an address, and this site a mail server."""
    return bool(user.email) and settings.EMAIL_BACKEND != NO_MAIL


def lacks_address(user: Any) -> bool:
    """Whether nothing but an address of this user's is missing for an e-mail to reach them."""
    return not user.email and settings.EMAIL_BACKEND != NO_MAIL


def subscribe(task: Task, user: Any) -> None:
    """Send this user an e-mail when the task has ended.

    Raises:
        Refused: no e-mail can reach them, or the task has ended.

    """
    if not can_mail(user):
        raise Refused(_("No e-mail can reach you: your account has no address, or this site has no mail server."))
    if task.is_final:
        raise Refused(_("This task has already ended; there is nothing to wait for."))
    Subscription.objects.get_or_create(task=task, user=user, defaults={"language": get_language() or ""})


def unsubscribe(task: Task, user: Any) -> None:
    """Send no e-mail after all."""
    Subscription.objects.filter(task=task, user=user, sent_at=None).delete()


def wants_mail(task: Task, user: Any) -> bool:
    """Whether an e-mail is to come for this user."""
    return Subscription.objects.filter(task=task, user=user, sent_at=None).exists()


def tell() -> int:
    """Send what is due; gives how many went out. What could not be sent is tried again in the next rounds."""
    due = Subscription.objects.filter(sent_at=None, tries__lt=MOST_TRIES, task__state__in=sorted(FINAL))
    return sum(_send(one) for one in due.select_related("task", "user")[:MOST_A_ROUND])


def _send(one: Subscription) -> bool:
    """Send one; it is claimed before, so that no second one goes out."""
    if patience.is_over(MAIL):
        return False
    row = Subscription.objects.filter(pk=one.pk, sent_at=None, tries=one.tries)
    if not row.update(sent_at=timezone.now(), tries=F("tries") + 1):
        return False
    try:
        send_mail(*_letter(one), None, [one.user.email])
    except (OSError, smtplib.SMTPException) as error:
        logger.warning("The e-mail about task %s could not be sent: %s", one.task_id, error)
        Subscription.objects.filter(pk=one.pk).update(sent_at=None)
        if isinstance(error, TimeoutError):
            patience.lose(MAIL)
        return False
    return True


def _letter(one: Subscription) -> tuple[str, str]:
    """Subject and text in the language in which it was asked for; the subject is one line whatever the title holds."""
    shown = {"task": one.task, "url": _url(one.task)}
    with speaking(one.language):
        subject = render_to_string("tasks_app/mail/ended_subject.txt", shown)
        return " ".join(subject.split()), render_to_string("tasks_app/mail/ended.txt", shown)


def _url(task: Task) -> str:
    return conf.get().site_url.rstrip("/") + task.get_absolute_url()
