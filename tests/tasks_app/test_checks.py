"""Settings that cannot be used are said before anything runs: what, the value, what is allowed."""

import math
from dataclasses import fields
from typing import Any

import pytest
from celery import signals
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import override_settings

from progress_app.exceptions import SettingError
from tasks_app import checks, conf, tasks


def ids(**settings: Any) -> list[str | None]:
    with override_settings(**settings):
        return [message.id for message in checks.settings_fit()]


def test_the_defaults_fit() -> None:
    assert ids() == []


@pytest.mark.parametrize("renew_s", [45, 60])
def test_a_lease_that_runs_out_before_it_is_renewed_is_refused(renew_s: float) -> None:
    assert ids(TASKS_LEASE_S=45, TASKS_RENEW_S=renew_s) == ["tasks_app.E002"]


def test_no_worker_starts_with_it() -> None:
    with override_settings(TASKS_LEASE_S=5, TASKS_RENEW_S=15), pytest.raises(SystemExit, match="TASKS_RENEW_S=15"):
        signals.worker_init.send(sender=None)


def test_a_worker_starts_with_a_warning() -> None:
    with override_settings(TASKS_LEASE_S=45, TASKS_RENEW_S=30):
        tasks.refuse_what_cannot_be_used()


def test_a_lease_that_one_late_renewal_loses_is_warned_of() -> None:
    assert ids(TASKS_LEASE_S=45, TASKS_RENEW_S=30) == ["tasks_app.W001"]


def test_the_error_names_both_settings_and_the_remedy() -> None:
    with override_settings(TASKS_LEASE_S=5, TASKS_RENEW_S=15), pytest.raises(SystemCheckError) as refused:
        call_command("check")
    assert "TASKS_RENEW_S=15 and TASKS_LEASE_S=5" in str(refused.value)
    assert "a third" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TASKS_LEASE_S", "45"),
        ("TASKS_LEASE_S", 0),
        ("TASKS_LEASE_S", math.inf),
        ("TASKS_MOST_LOSSES", 1.5),
        ("TASKS_MOST_LOSSES", True),
        ("TASKS_SITE_URL", None),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(name: str, value: Any) -> None:
    with override_settings(**{name: value}), pytest.raises(SettingError, match=name):
        conf.get()
    assert ids(**{name: value}) == ["tasks_app.E001"]


@pytest.mark.parametrize("setting", fields(conf.Settings), ids=lambda setting: setting.name)
def test_every_default_is_allowed(setting: Any) -> None:
    least = setting.metadata["least"]
    assert least is None or setting.default >= least
