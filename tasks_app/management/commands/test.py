"""`manage.py test` and `python -m django test` run pytest: an app's command stands before Django's own."""

import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from django.core.management.base import BaseCommand

BASE = Path(__file__).resolve().parents[3]


class Command(BaseCommand):
    """Runs the suite; every argument is pytest's."""

    help = "Runs the tests with pytest; arguments go through to it."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own type for it

    def run_from_argv(self, argv: list[str]) -> NoReturn:
        """Start pytest as another process: Django must not be set up before the suite's environment is."""
        command = [sys.executable, "-m", "pytest", "-m", "not deploy", *argv[2:]]
        raise SystemExit(subprocess.run(command, check=False, cwd=BASE).returncode)  # noqa: S603 - our own words
