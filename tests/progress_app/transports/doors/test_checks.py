"""The checks of what was configured for a hosted service."""

import sys
from typing import Any

import pytest

from progress_app import conf
from progress_app.checks import settings_fit
from tests.emulators import pusher as pusher_emulator
from tests.progress_app.transports.doors.knocking import use

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "redis_db")]
NO_URL = {"PROGRESS_PUSHER_URL": ""}


@pytest.mark.parametrize(
    ("kind", "wrong", "named"),
    [
        ("pusher", {"PROGRESS_PUSHER_APP_ID": "app-id"}, "PROGRESS_PUSHER_APP_ID: not as it must be, expected digits"),
        ("pusher", {"PROGRESS_PUSHER_KEY": ""}, "PROGRESS_PUSHER_KEY: missing"),
        ("pusher", {"PROGRESS_PUSHER_SECRET": ""}, "PROGRESS_PUSHER_SECRET: missing"),
        ("pusher", NO_URL, "PROGRESS_PUSHER_CLUSTER: missing"),
        ("pusher", {"PROGRESS_PUSHER_KEY": "the key"}, "PROGRESS_PUSHER_KEY: not as it must be"),
        ("pusher", {"PROGRESS_PUSHER_SECRET": "the-secret\n"}, "PROGRESS_PUSHER_SECRET: not as it must be"),
        (
            "pusher",
            {"PROGRESS_PUSHER_URL": "", "PROGRESS_PUSHER_CLUSTER": "eu.evil.test/"},
            "PROGRESS_PUSHER_CLUSTER: not as it must be",
        ),
        ("pusher", {"PROGRESS_PUSHER_URL": "localhost:6001"}, "PROGRESS_PUSHER_URL: not as it must be, expected http"),
        ("ably", {"PROGRESS_ABLY_URL": "ws://localhost"}, "PROGRESS_ABLY_URL: not as it must be, expected http"),
        ("ably", {"PROGRESS_ABLY_KEY": ""}, "PROGRESS_ABLY_KEY: missing"),
        ("ably", {"PROGRESS_ABLY_KEY": "the-secret"}, "PROGRESS_ABLY_KEY: not as it must be"),
    ],
)
def test_a_credential_that_cannot_be_right_is_named_with_a_hint_and_without_its_value(
    settings: Any, kind: str, wrong: dict[str, str], named: str
) -> None:
    use(settings, kind, **wrong)
    [error] = settings_fit()
    assert (error.id, error.msg.startswith(named), bool(error.hint)) == ("progress_app.E005", True, True)
    assert "the-secret" not in error.msg


def test_an_unknown_transport_is_an_error(settings: Any) -> None:
    settings.PROGRESS_TRANSPORT = "pigeons"
    [error] = settings_fit()
    assert (error.id, "pigeons" in error.msg) == ("progress_app.E004", True)


@pytest.mark.parametrize(("kind", "module"), [("pusher", "pusher"), ("ably", "ably.sync")])
def test_a_missing_client_library_says_what_to_install(
    settings: Any, monkeypatch: pytest.MonkeyPatch, kind: str, module: str
) -> None:
    use(settings, kind)
    with monkeypatch.context() as without:  # what tidies up behind the test needs the library again
        without.setitem(sys.modules, module, None)
        [error] = settings_fit()
    assert (error.id, f"pip install headway[{kind}]" in error.msg) == ("progress_app.E006", True)


def test_secrets_are_not_in_the_text_of_the_settings(settings: Any) -> None:
    use(settings, "pusher")
    assert pusher_emulator.SECRET not in repr(conf.get())
