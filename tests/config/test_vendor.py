"""The browser's client libraries: pinned by a lock with integrity and without addresses, installed by `npm ci`."""

import json
from pathlib import Path

import pytest

from config import vendor

LOCK = (vendor.LOCKED / "package-lock.json").read_text(encoding="utf-8")
PACKAGES = {name: about for name, about in json.loads(LOCK)["packages"].items() if name}


def test_each_package_of_the_lock_has_its_integrity_and_none_an_address() -> None:
    assert PACKAGES
    assert all(about["integrity"].startswith("sha512-") for about in PACKAGES.values())
    assert not any("resolved" in about for about in PACKAGES.values())
    assert "://" not in LOCK


def test_the_libraries_are_pinned_to_what_the_lock_has() -> None:
    wanted = json.loads((vendor.LOCKED / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert {name: PACKAGES[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert set(wanted) == {"pusher-js", "ably"}


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file in which a pretended npm writes down how it was called; it fails beside a file `fails`."""
    folder, calls = tmp_path / "bin", tmp_path / "calls"
    folder.mkdir()
    script = folder / "npm"
    complains = "{ echo no such package >&2; exit 1; }"
    script.write_text(f'#!/bin/sh\necho "$@" >> {calls}\ntest ! -e {tmp_path}/fails || {complains}')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return calls


def test_it_is_npm_ci_without_scripts_and_only_once(npm: Path, tmp_path: Path) -> None:
    folder = tmp_path / "vendor"
    assert vendor.install(folder)
    assert not vendor.install(folder)
    assert npm.read_text().splitlines() == ["ci --ignore-scripts --no-audit --no-fund", "run collect"]
    assert {path.name for path in folder.iterdir()} == {*vendor.FILES, ".lock"}


def test_what_npm_says_is_told_and_it_is_tried_again(npm: Path, tmp_path: Path) -> None:
    (tmp_path / "fails").touch()
    with pytest.raises(vendor.NotInstalledError, match="npm ci failed: no such package"):
        vendor.install(tmp_path / "vendor")
    (tmp_path / "fails").unlink()
    assert vendor.install(tmp_path / "vendor")


def test_without_npm_one_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(vendor.NotInstalledError, match=r"install Node\.js 18 or newer, or leave"):
        vendor.install(tmp_path / "vendor")


def test_nothing_is_installed_where_no_hosted_service_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vendor, "install", lambda: pytest.fail("it was installed"))
    vendor.install_if_chosen()
