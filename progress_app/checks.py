"""System checks: a setting that cannot be used is reported before anything runs."""

import re
from typing import Any, Final
from urllib.parse import urlsplit

from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004
from django.utils.module_loading import import_string
from gripcontrol import parse_grip_uri

from progress_app import conf, connections, hosted
from progress_app.exceptions import SettingError
from progress_app.transports.base import TransportMissing

APP: Final = "progress_app"
Wanted = tuple[str, str, str, str]  # the name of a setting, its value, the form that fits, and that in words
ADDRESS: Final = (r"https?://[^\s/:@]+(:\d{1,5})?/?", "http:// or https://, a host, and a port")


@register()
def settings_fit(**_: Any) -> list[CheckMessage]:
    """Report PROGRESS_ settings that cannot be used."""
    try:
        settings = conf.get()
    except SettingError as error:
        return [Error(str(error), hint="The README's table lists every setting.", id=f"{APP}.E001")]
    found: list[CheckMessage] = [*_transport(settings), *_proxy(settings.grip_url)]
    for name, path in (("PROGRESS_MAY_READ", settings.may_read), ("PROGRESS_RECORD", settings.record)):
        found += _callable(name, path)
    if not settings.may_read:
        found.append(
            Warning(
                "PROGRESS_MAY_READ is not set: nobody may watch anything.",
                hint="Set it to the dotted path of a function (user, channel) -> bool.",
                id=f"{APP}.W001",
            )
        )
    return found


def _transport(settings: conf.Settings) -> list[CheckMessage]:
    """What keeps the chosen transport from working; wrong credentials of the right form only the service can tell."""
    if settings.transport not in (*hosted.ALWAYS, *conf.HOSTED):
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
    wanted = {"pusher": _of_pusher, "ably": _of_ably}.get(settings.transport)
    return [
        (name, f"{'not as it must be' if value else 'missing'}, expected {allowed}")
        for name, value, form, allowed in (wanted(settings) if wanted else ())
        if not re.fullmatch(form, value)
    ]


def _of_pusher(settings: conf.Settings) -> list[Wanted]:
    place = (
        ("PROGRESS_PUSHER_URL", settings.pusher_url, *ADDRESS)  # of an own server, in the place of a cluster
        if settings.pusher_url
        else ("PROGRESS_PUSHER_CLUSTER", settings.pusher_cluster, r"[\w-]+", "eu or mt1 for instance")
    )
    return [
        ("PROGRESS_PUSHER_APP_ID", settings.pusher_app_id, r"\d+", "digits"),
        ("PROGRESS_PUSHER_KEY", settings.pusher_key, r"[\w-]+", "letters and digits"),
        ("PROGRESS_PUSHER_SECRET", settings.pusher_secret, r"\S+", "a text without blanks"),
        place,
    ]


def _of_ably(settings: conf.Settings) -> list[Wanted]:
    key = ("PROGRESS_ABLY_KEY", settings.ably_key, r"[\w-]+\.[\w-]+:\S+", "the form app.key:secret")
    return [key, ("PROGRESS_ABLY_URL", settings.ably_url, *ADDRESS)] if settings.ably_url else [key]


def _proxy(url: str) -> list[CheckMessage]:
    """What keeps a GRIP proxy from being reached and its signatures from being known; never its key."""
    if not url or _is_control_address(url):
        return []
    shown = re.split("[?&#]", url, maxsplit=1)[0].rpartition("@")[2]
    text = f"GRIP_URL={shown!r} (its query is not shown): expected http://host:port/?iss=…&key=…, with the proxy's key."
    hint = (
        "pushpin.conf has them: push_in_http_port, sig_iss, sig_key. Leave it unset where no proxy holds the streams."
    )
    return [Error(text, hint=hint, id=f"{APP}.E007")]


def _is_control_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        return is_address and bool(parse_grip_uri(url).get("key"))
    except ValueError:  # a port that is none, a key that is no base64
        return False


def _built() -> list[CheckMessage]:
    connections.transport()
    return []


def _callable(name: str, path: str) -> list[CheckMessage]:
    hint = "Give the dotted path of a function, for example 'shop.access.may_read'."
    try:
        if path and not callable(import_string(path)):
            return [Error(f"{name}={path!r} is no function.", hint=hint, id=f"{APP}.E003")]
    except ImportError as error:
        return [Error(f"{name}={path!r} cannot be imported: {error}", hint=hint, id=f"{APP}.E002")]
    return []
