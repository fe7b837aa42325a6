"""System checks: a setting that cannot be used is reported before anything runs."""

import re
from typing import Any, Final

from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004
from django.utils.module_loading import import_string

from progress_app import conf, connections, hosted
from progress_app.exceptions import SettingError
from progress_app.transports.base import TransportMissing

APP: Final = "progress_app"


@register()
def settings_fit(**_: Any) -> list[CheckMessage]:
    """Report PROGRESS_ settings that cannot be used."""
    try:
        settings = conf.get()
    except SettingError as error:
        return [Error(str(error), hint="The README's table lists every setting.", id="progress_app.E001")]
    found: list[CheckMessage] = _transport(settings)
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


def _transport(settings: conf.Settings) -> list[CheckMessage]:
    """What keeps the chosen transport from working; wrong credentials of the right form only the service can tell."""
    if settings.transport not in (*hosted.ALWAYS, *hosted.HOSTED):
        text = f"PROGRESS_TRANSPORT={settings.transport!r}: expected one of sse, pusher, ably, poll."
        return [Error(text, hint="Leave it unset for sse; docs/transports.md says what each is for.", id=f"{APP}.E004")]
    found: list[CheckMessage] = [
        Error(f"{name}: {fault}.", hint="The service's dashboard shows it under the app's keys.", id=f"{APP}.E005")
        for name, fault in _credentials(settings)
    ]
    try:
        return found or _built()
    except TransportMissing as error:
        return [Error(str(error), hint="Install the extra, or choose sse or poll.", id=f"{APP}.E006")]


def _credentials(settings: conf.Settings) -> list[tuple[str, str]]:
    """The settings that the transport needs and that cannot be right, with what is wrong; never their values."""
    wanted = {
        "pusher": (
            ("PROGRESS_PUSHER_APP_ID", settings.pusher_app_id, r"\d+", "digits"),
            ("PROGRESS_PUSHER_KEY", settings.pusher_key, r"[\w-]+", "letters and digits"),
            ("PROGRESS_PUSHER_SECRET", settings.pusher_secret, r"\S+", "a text without blanks"),
            ("PROGRESS_PUSHER_CLUSTER", settings.pusher_cluster or settings.pusher_url, r"\S+", "eu for instance"),
        ),
        "ably": (("PROGRESS_ABLY_KEY", settings.ably_key, r"[\w-]+\.[\w-]+:\S+", "the form app.key:secret"),),
    }
    found = []
    for name, value, form, allowed in wanted.get(settings.transport, ()):
        if not re.fullmatch(form, value):
            found.append((name, f"{'not as it must be' if value else 'missing'}, expected {allowed}"))
    return found


def _built() -> list[CheckMessage]:
    connections.transport()
    return []


def _callable(name: str, path: str) -> list[CheckMessage]:
    hint = "Give the dotted path of a function, for example 'shop.access.may_read'."
    try:
        if path and not callable(import_string(path)):
            return [Error(f"{name}={path!r} is no function.", hint=hint, id="progress_app.E003")]
    except ImportError as error:
        return [Error(f"{name}={path!r} cannot be imported: {error}", hint=hint, id="progress_app.E002")]
    return []
