"""The system checks: what cannot work is told before anything runs."""

from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from progress_app.checks import settings_fit


def ids() -> list[str | None]:
    return [message.id for message in settings_fit()]


def test_the_project_s_own_settings_fit() -> None:
    assert settings_fit() == []


def test_a_value_that_cannot_be_used_is_named_with_a_way_out(settings: Any) -> None:
    settings.PROGRESS_HEARTBEAT_S = -1
    [error] = settings_fit()
    assert (error.id, error.level) == ("progress_app.E001", 40)
    assert "PROGRESS_HEARTBEAT_S=-1" in error.msg
    assert error.hint


@pytest.mark.parametrize("name", ["PROGRESS_MAY_READ", "PROGRESS_RECORD"])
@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("nowhere.at_all", "E002"),
        ("progress_app.access.nothing", "E002"),
        ("no_dots", "E002"),
        ("progress_app.conf.PREFIX", "E003"),
    ],
)
def test_a_hook_that_is_no_function_is_an_error(settings: Any, name: str, path: str, code: str) -> None:
    setattr(settings, name, path)
    [error] = settings_fit()
    assert error.id == f"progress_app.{code}"
    assert error.msg.startswith(f"{name}={path!r}")
    assert error.hint is not None
    assert "dotted path" in error.hint


def test_a_project_that_lets_nobody_watch_is_warned(settings: Any) -> None:
    settings.PROGRESS_MAY_READ = ""
    settings.PROGRESS_RECORD = ""
    assert ids() == ["progress_app.W001"]


@pytest.mark.parametrize(
    "url",
    [
        "localhost:5561",
        "http://localhost:5561",
        "http://localhost:5561/?iss=pushpin",
        "http://localhost:99999/?key=a-secret",
        "http://localhost:5561/?key=base64:a-secret",
        "ftp://localhost/?key=a-secret",
        "http://me:a-secret@/?key=a-secret",
        "/?key=a-secret",
    ],
)
def test_a_proxy_s_address_that_cannot_be_one_is_named_without_its_key(settings: Any, url: str) -> None:
    settings.PROGRESS_GRIP_URL = url
    [error] = settings_fit()
    assert (error.id, error.level) == ("progress_app.E007", 40)
    assert "GRIP_URL=" in error.msg
    assert "sig_key" in (error.hint or "")
    assert "a-secret" not in error.msg


def test_a_proxy_s_address_that_fits_is_none_of_its_business(settings: Any) -> None:
    settings.PROGRESS_GRIP_URL = "http://localhost:5561/?iss=pushpin&key=base64:c2VjcmV0"
    assert settings_fit() == []


def test_manage_py_check_runs_it(settings: Any) -> None:
    call_command("check")
    settings.PROGRESS_MAX_CHANNELS = 0
    with pytest.raises(SystemCheckError, match="PROGRESS_MAX_CHANNELS=0"):
        call_command("check")
