"""`python3 manage.py up` and `python3 manage.py test` on bare Python: prepare .venv, then go on in there.

Nothing but the standard library is imported until then, which a contract in pyproject.toml holds.
"""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from config import browser, options, places, venv

LOWEST_PYTHON = (3, 11)


def main(arguments: Sequence[str]) -> NoReturn:
    """Run `up` or `test` with the arguments after the word; does not come back."""
    if sys.version_info < LOWEST_PYTHON:
        found = ".".join(map(str, sys.version_info[:3]))
        raise SystemExit(f"Python {found} runs this: 3.11 or newer is needed, as in `python3.11 manage.py up`.")
    # Asked from elsewhere pytest would collect that folder, and relative paths would miss.
    os.chdir(places.BASE)
    word, rest = arguments[0], list(arguments[1:])
    environment = venv.VirtualEnvironment(places.BASE / ".venv", places.BASE, places.BASE / "var")
    if word == "up":
        options.refuse_taken_port(options.parse(rest))
        environment.ensure(venv.RUNTIME_LOCK)
        _go_on(environment, "config.supervisor", rest)
    environment.ensure(venv.DEVELOPMENT_LOCK)
    _ensure_browser()
    # Of an option that is given twice the later wins, so `test -m long` runs those.
    _go_on(environment, "pytest", ["-m", "not deploy and not long", *_side_by_side(rest), *rest])


def _side_by_side(rest: Sequence[str]) -> list[str]:
    """Run in two processes, but not when tests are named: few are sooner done in one, and it can be debugged.

    Each process is given a half and helps the other at its end, so that both keep pytest-django's order.
    """
    named = any((places.BASE / word.partition("::")[0]).exists() for word in rest if word and not word.startswith("-"))
    return [] if named or "--version" in rest else ["-n", "2", "--dist", "worksteal"]


def _go_on(environment: venv.VirtualEnvironment, module: str, arguments: Sequence[str]) -> NoReturn:
    """Become the environment's Python. It finds its packages by its own path, so that must be argv[0]."""
    python = str(environment.python)
    os.environ["VIRTUAL_ENV"] = str(environment.folder)
    sys.stdout.flush()
    os.execv(python, [python, "-m", module, *arguments])  # noqa: S606 - our own interpreter


def _ensure_browser() -> None:
    """Install what browser tests lack; where that is not possible they are skipped, but not with CI=true."""
    packages = browser.missing_packages()
    if not packages:
        return
    print(f"Installing {' and '.join(packages)} for the browser tests (once) …", flush=True)  # noqa: T201
    reason = browser.install(packages)
    if browser.find() and not reason:
        return
    line = f"Browser tests need {' and '.join(packages)}, but {reason or 'the browser is not on PATH'}."
    remedy = "Install it, or set CHROMIUM to a Chromium or Chrome."
    if os.environ.get("CI", "").lower() == "true":
        raise SystemExit(f"{line} {remedy}")
    print(f"{line} {remedy} They are skipped.", flush=True)  # noqa: T201
