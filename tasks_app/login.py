"""The login, and a bound on guessing: so many wrong passwords for one name from one address, then a rest.

Counted in Redis, for all web processes together. While Redis is away nobody is held up: to lock people out of their
site would be worse than what a guesser gains, since the password hashes are slow. Names alone are not counted, or
anybody could lock another person out.
"""

import logging
from hashlib import sha256
from typing import Any, Final

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from progress_app import conf, connections
from progress_app.exceptions import BackendUnavailable

MOST_FAILURES: Final = 5
REST_S: Final = 600  # from the first failure on

logger = logging.getLogger(__name__)


class LoginForm(AuthenticationForm):
    """The site's login, which no longer looks at passwords after `MOST_FAILURES` wrong ones."""

    def clean(self) -> dict[str, Any]:
        """Refuse who has to rest; count whoever fails.

        Raises:
            ValidationError: code "rest", or what the login itself finds wrong.

        """
        failures = _failures(key := self._key())
        if failures >= MOST_FAILURES:
            text = _("Too many wrong passwords. Wait {minutes} minutes, then try again.")
            raise ValidationError(text.format(minutes=REST_S // 60), code="rest")
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError:
            _count(key)
            raise
        return cleaned

    def _key(self) -> str:
        address = self.request.META.get("REMOTE_ADDR", "") if self.request else ""
        who = f"{address} {self.cleaned_data.get('username', '')}".casefold()
        return f"{conf.get().key_prefix}:login:{sha256(who.encode()).hexdigest()[:32]}"


class AdminLoginForm(LoginForm, AdminAuthenticationForm):
    """The admin's login, bounded likewise."""


def _failures(key: str) -> int:
    try:
        return int(connections.shelf().kept(key) or 0)
    except BackendUnavailable:
        return 0


def _count(key: str) -> None:
    try:
        if connections.shelf().count(key, REST_S) == MOST_FAILURES:
            logger.warning("%d wrong passwords for one name from one address: it has to rest.", MOST_FAILURES)
    except BackendUnavailable as error:
        logger.warning("A wrong password was not counted: %s", error)
