import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from config import venv


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> venv.VirtualEnvironment:
    """An environment whose packages come from nowhere: what would be run is only noted."""
    for lock in (venv.RUNTIME_LOCK, venv.DEVELOPMENT_LOCK):
        (tmp_path / lock).write_text(f"# {lock}\n")
    monkeypatch.setattr(venv, "_run", _record(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda _name: "uv")
    return venv.VirtualEnvironment(tmp_path / ".venv", tmp_path, tmp_path / "var")


def _record(folder: Path) -> Callable[..., int]:
    def run(command: list[str], *, quiet: bool = False) -> int:
        with (folder / "commands").open("a") as file:
            file.write(" ".join(map(str, command)) + "\n")
        if "venv" in command and "install" not in command:
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", command[-1]], check=True)
        return 0

    return run


def commands(folder: Path) -> list[str]:
    file = folder / "commands"
    return file.read_text().splitlines() if file.exists() else []


def test_the_first_start_installs_and_the_second_does_nothing(
    environment: venv.VirtualEnvironment, tmp_path: Path
) -> None:
    environment.ensure(venv.RUNTIME_LOCK)
    once = commands(tmp_path)
    assert "--require-hashes" in once[-1]
    assert environment.is_current(venv.RUNTIME_LOCK)
    environment.ensure(venv.RUNTIME_LOCK)
    assert commands(tmp_path) == once


def test_a_changed_lock_is_installed_into_the_same_environment(
    environment: venv.VirtualEnvironment, tmp_path: Path
) -> None:
    environment.ensure(venv.RUNTIME_LOCK)
    before = len(commands(tmp_path))
    (tmp_path / venv.RUNTIME_LOCK).write_text("# newer\n")
    assert not environment.is_current(venv.RUNTIME_LOCK)
    environment.ensure(venv.RUNTIME_LOCK)
    assert len(commands(tmp_path)) == before + 1


def test_the_development_set_serves_up_as_well(environment: venv.VirtualEnvironment) -> None:
    environment.ensure(venv.DEVELOPMENT_LOCK)
    assert environment.is_current(venv.RUNTIME_LOCK)


def test_the_runtime_set_does_not_serve_test(environment: venv.VirtualEnvironment) -> None:
    environment.ensure(venv.RUNTIME_LOCK)
    assert not environment.is_current(venv.DEVELOPMENT_LOCK)


def test_an_environment_whose_python_is_gone_is_made_anew(environment: venv.VirtualEnvironment, tmp_path: Path) -> None:
    environment.ensure(venv.RUNTIME_LOCK)
    environment.python.unlink()
    assert not environment.is_current(venv.RUNTIME_LOCK)
    environment.ensure(venv.RUNTIME_LOCK)
    assert environment.is_current(venv.RUNTIME_LOCK)


def test_a_failed_installation_says_so_and_leaves_no_stamp(
    environment: venv.VirtualEnvironment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    record = _record(tmp_path)
    monkeypatch.setattr(
        venv, "_run", lambda command, *, quiet=False: record(command, quiet=quiet) or int("install" in command)
    )
    with pytest.raises(SystemExit, match=r"requirements.txt could not be installed"):
        environment.ensure(venv.RUNTIME_LOCK)
    assert not environment.is_current(venv.RUNTIME_LOCK)


def test_a_python_without_ensurepip_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else find(name))
    with pytest.raises(SystemExit, match="apt-get install python3-venv"):
        venv.create(tmp_path / ".venv")
