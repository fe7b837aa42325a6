"""The two words on bare Python: no site-packages, no compiled files of others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config import bootstrap, browser, options
from config.places import BASE
from tests.environment import free_port


def bare(*arguments: str, folder: Path = BASE, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py with a Python that sees nothing but the standard library."""
    return subprocess.run(
        [sys.executable, "-S", "-E", str(BASE / "manage.py"), *arguments],
        env={"PATH": os.environ["PATH"]} | environment,
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
    )


def test_bare_python_reaches_the_options_of_up() -> None:
    ended = bare("up", "--port", "none")
    assert ended.returncode == 2
    assert "none: expected a port from 1 to 65535" in ended.stderr


def test_another_command_on_bare_python_says_what_to_do() -> None:
    ended = bare("migrate")
    assert ended.returncode == 1
    assert "django is not installed" in ended.stderr
    assert "python3 manage.py up" in ended.stderr


def test_test_goes_through_to_pytest_from_any_folder(tmp_path: Path) -> None:
    ended = bare("test", "--version", folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1].startswith("pytest 9")


def test_the_closing_line_and_the_code_are_pytests_own() -> None:
    ended = bare("test", "tests/config/test_env.py", "-q", "-k", "listing", "-p", "no:cacheprovider")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.splitlines()[-1].startswith("1 passed")


@pytest.mark.parametrize(
    ("rest", "side_by_side"),
    [
        ([], True),
        (["-k", "cancel"], True),
        (["tests/tasks_app", "-k", "cancel"], False),
        (["tests/tasks_app/run/test_stop.py::test_one"], False),
    ],
)
def test_the_whole_suite_runs_in_two_processes_and_named_tests_in_one(rest: list[str], side_by_side: bool) -> None:
    assert bool(bootstrap._side_by_side(rest)) is side_by_side


def test_djangos_own_word_runs_pytest_as_well() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "django", "test", "--version"],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        cwd=BASE,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.stdout.startswith("pytest 9"), ended.stderr


def test_options_have_defaults() -> None:
    chosen = options.parse([])
    assert (chosen.host, chosen.port, chosen.concurrency) == ("127.0.0.1", 8000, 2)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:80/"),
        ("0.0.0.0", "http://127.0.0.1:80/"),  # noqa: S104
        ("::", "http://[::1]:80/"),
    ],
)
def test_the_address_to_open(host: str, address: str) -> None:
    assert options.Options(host=host, port=80, concurrency=1).address == address


@pytest.mark.parametrize("arguments", [["--port", "0"], ["--port", "65536"], ["--concurrency", "0"], ["--x"]])
def test_a_wrong_option_ends_with_code_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        options.parse(arguments)
    assert ended.value.code == 2


def test_an_address_that_is_not_ours_is_one_line() -> None:
    chosen = options.Options(host="192.0.2.1", port=free_port(), concurrency=1)
    with pytest.raises(SystemExit, match=r"on 192.0.2.1 cannot be used \(.*choose another --host"):
        options.refuse_taken_port(chosen)


def test_the_browser_that_somebody_named_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "browser"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("CHROMIUM", str(program))
    assert browser.find() == str(program)
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "absent"))
    assert browser.find() is None
