#!/usr/bin/env python3
"""Headway's commands. `up` and `test` need nothing but Python 3.11: config.bootstrap prepares the rest."""

import os
import sys

OWN_WORDS = ("up", "test")


def main() -> None:
    """Run the command line."""
    if len(sys.argv) > 1 and sys.argv[1] in OWN_WORDS:
        from config import bootstrap  # noqa: PLC0415 - bare Python until here

        raise SystemExit(bootstrap.main(sys.argv[1:]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.management import execute_from_command_line  # noqa: PLC0415

        import config.celery  # noqa: F401, PLC0415 - so that shared tasks go to the project's broker
    except ModuleNotFoundError as fault:
        raise SystemExit(
            f"{fault.name} is not installed for {sys.executable}. Run `python3 manage.py up` once, "
            "then start commands with .venv/bin/python."
        ) from fault
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
