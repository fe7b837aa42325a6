"""`manage.py run_job NAME field=value …`: start a job as its form would."""

import getpass
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, cast

from django import forms
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import UploadedFile
from django.core.management.base import BaseCommand, CommandError
from django.http import QueryDict
from django.utils.choices import flatten_choices

from tasks_app import lifecycle, newcomers, outbox, registry
from tasks_app.attachments import content_type
from tasks_app.management.commands.watch import MISUSE, follow
from tasks_app.origin import coming_from
from tasks_app.refusal import NotAllowed, Refused

FILE_SIGN: Final = "@"
MOST_CHOICES: Final = 8  # that are listed, if they are plain words
NO: Final = frozenset({"", "0", "no", "off", "false"})  # of a check box, which a browser leaves out


class Command(BaseCommand):
    """Starts a job, and follows it if asked to."""

    help = "Start a job. With --watch it is followed to its end, and the exit status is that of `watch`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the job, its values, and who starts it."""
        parser.add_argument("job", help="its name, as in the address of its form")
        parser.add_argument("values", nargs="*", metavar="field=value", help="for a file: field=@path")
        parser.add_argument("--user", help="who starts and owns the task; the first superuser unless given")
        parser.add_argument("--watch", action="store_true", help="follow it to its end")

    def handle(self, *, job: str, values: list[str], user: str | None, watch: bool, **_: Any) -> None:
        """Start it."""
        with ExitStack() as opened:
            try:
                made = registry.get(job)
                data, files = _read(made, values, opened)
                with coming_from(f"command line of {getpass.getuser()}"):
                    task = lifecycle.enqueue(job, user=_person(user), data=data, files=files)
            except registry.BadParameters as error:
                raise CommandError(f"{error}\n{_fields(made)}", returncode=MISUSE) from error
            except (registry.UnknownJob, NotAllowed, Refused) as error:
                raise CommandError(str(error), returncode=MISUSE) from error
        outbox.flush()
        newcomers.flush()
        self.stdout.write(str(task.pk))
        if watch:
            sys.exit(follow(str(task.pk), title=task.title))


def _person(name: str | None) -> Any:
    people = get_user_model().objects.filter(is_active=True)
    if name is None:
        found = people.filter(is_superuser=True).order_by("pk").first()
        hint = "there is no superuser; name who starts it by --user"
    else:
        found = people.filter(**{get_user_model().USERNAME_FIELD: name}).first()
        hint = f"--user={name}: there is no active user of this name"
    if found is None:
        raise CommandError(f"{hint}.", returncode=MISUSE)
    return found


def _read(job: registry.Job, values: Iterable[str], opened: ExitStack) -> tuple[QueryDict, dict[str, Any]]:
    """The values as a browser would submit them: fields that are not named hold what the form shows at first."""
    data, files, named = QueryDict(mutable=True), {}, set()
    for given in values:
        name, sign, value = given.partition("=")
        field = job.form.base_fields.get(name)
        if not sign or field is None:
            raise CommandError(f"{given!r}: expected field=value.\n{_fields(job)}", returncode=MISUSE)
        if isinstance(field, forms.FileField):
            files[name] = _upload(name, value, opened)
        elif not isinstance(field, forms.BooleanField) or value.lower() not in NO:
            data.appendlist(name, value)
        named.add(name)
    for name, initial in _initial(job):
        if name not in named:
            data.setlist(name, initial)
    return data, files


def _initial(job: registry.Job) -> Iterator[tuple[str, list[Any]]]:
    form = job.form()
    for name, field in form.fields.items():
        value = field.prepare_value(form.get_initial_for_field(field, name))
        if value is not None and value is not False:
            yield name, list(value) if isinstance(value, list | tuple) else [value]


def _upload(name: str, value: str, opened: ExitStack) -> UploadedFile[Any]:
    path = Path(value.removeprefix(FILE_SIGN))
    if not value.startswith(FILE_SIGN) or not path.is_file():
        raise CommandError(f"{name}={value}: expected {FILE_SIGN} and the path of a file.", returncode=MISUSE)
    file = opened.enter_context(path.open("rb"))
    return UploadedFile(file, name=path.name, content_type=content_type(path.name), size=path.stat().st_size)


def _fields(job: registry.Job) -> str:
    """What the job's form asks for."""
    lines = [f"The fields of {job.name!r}:"]
    for name, field in job.form.base_fields.items():
        value = _kind_of(field)
        need = "" if field.required and field.initial is None else " (optional)"
        lines.append(f"  {name}={value}{need}  {field.help_text}".rstrip())
    return "\n".join(lines) if len(lines) > 1 else f"{job.name!r} takes no values."


def _kind_of(field: forms.Field) -> str:
    """What stands after the sign of equality: one of a few values where there are only these."""
    if isinstance(field, forms.FileField):
        return f"{FILE_SIGN}path"
    if isinstance(field, forms.BooleanField):
        return "yes|no"
    if isinstance(field, forms.ChoiceField) and not isinstance(field, forms.ModelChoiceField):
        choices = [str(value) for value, _ in flatten_choices(cast("Any", field.choices)) if value]
        if len(choices) <= MOST_CHOICES and all(choice.isalnum() for choice in choices):
            return "|".join(choices)
    return "value"
