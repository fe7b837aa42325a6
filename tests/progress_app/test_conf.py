"""The settings of progress_app."""

import math
from dataclasses import fields
from typing import Any

import pytest
from django.test import override_settings

from progress_app import conf
from progress_app.conf import Settings
from progress_app.events import Snapshot
from progress_app.exceptions import SettingError


def everybody(_user: Any, _channel: str) -> bool:
    return True


def record(task: str) -> Snapshot:
    return Snapshot(task=task)


@override_settings(PROGRESS_MAX_CHANNELS=7, PROGRESS_HEARTBEAT_S=3, PROGRESS_KEY_PREFIX="shop")
def test_a_setting_sets_its_field_with_its_type() -> None:
    settings = conf.get()
    assert (settings.max_channels, settings.heartbeat_s, settings.key_prefix) == (7, 3.0, "shop")
    assert isinstance(settings.heartbeat_s, float)
    assert settings.tick_s == Settings().tick_s, "what is not set keeps its default"


def test_an_override_ends_with_its_block() -> None:
    before = conf.get().max_channels
    with override_settings(PROGRESS_MAX_CHANNELS=before + 1):
        assert conf.get().max_channels == before + 1
    assert conf.get().max_channels == before
    assert conf.get() is conf.get(), "read once"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PROGRESS_MAX_CHANNELS", 0),
        ("PROGRESS_MAX_CHANNELS", "7"),
        ("PROGRESS_MAX_CHANNELS", True),
        ("PROGRESS_MAX_CHANNELS", None),
        ("PROGRESS_MAX_CHANNELS", math.inf),
        ("PROGRESS_MAX_CHANNELS", 1.5),
        ("PROGRESS_HEARTBEAT_S", 0.5),
        ("PROGRESS_HEARTBEAT_S", math.nan),
        ("PROGRESS_HEARTBEAT_S", math.inf),
        ("PROGRESS_KEY_PREFIX", 7),
        ("PROGRESS_MAY_READ", everybody),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(name: str, value: Any) -> None:
    with override_settings(**{name: value}), pytest.raises(SettingError, match=name):
        conf.get()


@pytest.mark.parametrize("setting", fields(Settings), ids=lambda setting: setting.name)
def test_every_setting_explains_itself_and_its_default_fits(setting: Any) -> None:
    explanation, least = setting.metadata["explanation"], setting.metadata["least"]
    assert explanation.endswith(".")
    assert least is None or setting.default >= least


@override_settings(PROGRESS_MAY_READ="", PROGRESS_RECORD="")
def test_without_hooks_nobody_reads_and_nothing_is_on_record() -> None:
    assert conf.get().reads(object(), "tasks") is False
    assert conf.get().recorded("x") is None


def test_hooks_are_found_by_their_dotted_path() -> None:
    with override_settings(PROGRESS_MAY_READ=f"{__name__}.everybody", PROGRESS_RECORD=f"{__name__}.record"):
        assert conf.get().reads(object(), "tasks") is True
        assert conf.get().recorded("x") == Snapshot(task="x")
