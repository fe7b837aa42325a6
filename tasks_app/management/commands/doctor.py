"""`manage.py doctor`: what is wrong with the delivery of events, and what to do about it."""

import sys
from argparse import ArgumentParser
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from tasks_app import doctor
from tasks_app.diagnosis import Verdict


class Command(BaseCommand):
    """Prints a line a check; the exit status is 1 when one failed."""

    help = "Open a real stream, time five events and name what is wrong. Exit status: 0 all well, 1 something fails."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take where to look, and as whom."""
        parser.add_argument(
            "--url", default="http://127.0.0.1:8000", help="the site as its viewers reach it (default: %(default)s)"
        )
        parser.add_argument("--user", help="whose channel is used; without it the first active superuser's")
        parser.add_argument("--long", action="store_true", help="also keep a quiet stream open for over two heartbeats")

    def handle(self, *, url: str, user: str | None, long: bool, **_: Any) -> None:
        """Examine, and tell."""
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise CommandError(f"--url {url!r}: expected http://host or https://host, as a viewer's browser has it.")
        found = [*doctor.installation(), *doctor.delivery(url, _user_id(user), is_long=long)]
        for finding in found:
            self.stdout.write(f"{finding.verdict:4}  {finding.check}: {finding.text}")
            if finding.remedy:
                self.stdout.write(f"      → {finding.remedy}")
        sys.exit(any(finding.verdict is Verdict.FAIL for finding in found))


def _user_id(name: str | None) -> int:
    people = get_user_model()._default_manager.filter(is_active=True)  # noqa: SLF001  (Django's documented name)
    chosen = people.filter(username=name) if name else people.filter(is_superuser=True).order_by("pk")
    user = chosen.first()
    if user is None:
        raise CommandError(f"--user {name!r}: expected an active user; without it there must be an active superuser.")
    return int(user.pk)
