"""System checks: a setting that cannot be used is reported before anything runs."""

from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004
from django.utils.module_loading import import_string

from progress_app import conf
from progress_app.exceptions import SettingError


@register()
def settings_fit(**_: Any) -> list[CheckMessage]:
    """Report PROGRESS_ settings that cannot be used."""
    try:
        settings = conf.get()
    except SettingError as error:
        return [Error(str(error), hint="The README's table lists every setting.", id="progress_app.E001")]
    found: list[CheckMessage] = []
    for name, path in (("PROGRESS_MAY_READ", settings.may_read), ("PROGRESS_RECORD", settings.record)):
        found += _callable(name, path)
    if not settings.may_read:
        found.append(
            Warning(
                "PROGRESS_MAY_READ is not set: nobody may watch anything.",
                hint="Set it to the dotted path of a function (user, channel) -> bool.",
                id="progress_app.W001",
            )
        )
    return found


def _callable(name: str, path: str) -> list[CheckMessage]:
    hint = "Give the dotted path of a function, for example 'shop.access.may_read'."
    try:
        if path and not callable(import_string(path)):
            return [Error(f"{name}={path!r} is no function.", hint=hint, id="progress_app.E003")]
    except ImportError as error:
        return [Error(f"{name}={path!r} cannot be imported: {error}", hint=hint, id="progress_app.E002")]
    return []
