"""System checks: settings that cannot be used, or not together, are reported before anything runs."""

from typing import Any, Final

from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004

from progress_app.exceptions import SettingError
from tasks_app import conf

APP: Final = "tasks_app"
RENEWALS: Final = 2  # within a lease: with fewer, one that comes late loses the task


@register()
def settings_fit(**_: Any) -> list[CheckMessage]:
    """Report TASKS_ settings that cannot be used."""
    try:
        settings = conf.get()
    except SettingError as error:
        return [Error(str(error), hint="docs/settings.md lists every setting.", id=f"{APP}.E001")]
    return _lease(settings)


def _lease(settings: conf.Settings) -> list[CheckMessage]:
    """A lease that runs out before it is renewed lets two workers run one task after the other, for ever."""
    hint = "Keep TASKS_RENEW_S at a third of TASKS_LEASE_S."
    given = f"TASKS_RENEW_S={settings.renew_s:g} and TASKS_LEASE_S={settings.lease_s:g}"
    if settings.renew_s >= settings.lease_s:
        return [Error(f"{given}: every lease runs out before it is renewed.", hint=hint, id=f"{APP}.E002")]
    if settings.renew_s * RENEWALS > settings.lease_s:
        return [Warning(f"{given}: one renewal that comes late loses the task.", hint=hint, id=f"{APP}.W001")]
    return []
