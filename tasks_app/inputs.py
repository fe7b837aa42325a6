"""What a task was given, in words: for who starts the job again, by its form or from the command line."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.utils.choices import flatten_choices
from django.utils.text import Truncator
from django.utils.translation import gettext

from progress_app.events import FINAL
from tasks_app.models import Task
from tasks_app.registry import Job

MOST_RECENT: Final = 5
LONGEST_TEXT: Final = 120  # characters of one line about an input
KEPT: Final = "data-kept"  # on a form's file input: the name of the file that it has already


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What an earlier task was given, in one line."""

    task: Task
    text: str


def recent_inputs(job: Job, user: Any) -> list[Input]:
    """The newest different inputs that a user gave to a job, of tasks that have ended and can be run again."""
    tasks = Task.objects.filter(job=job.name, owner=user, state__in=sorted(FINAL)).order_by("-created_at")
    rows = tasks.only("id", "params", "created_at", "job").prefetch_related("attachments")[: MOST_RECENT * 4]
    found: dict[str, Input] = {}
    for task in rows:
        text = _text(job, task)
        if text:
            found.setdefault(text, Input(task=task, text=text))
    return list(found.values())[:MOST_RECENT]


def _text(job: Job, task: Task) -> str:
    """One line such as "Steps 200, Duration 20, report.csv": values by their labels, then files by their names."""
    values = [f"{label} {value}" for label, value in given(job, task)]
    names = [file.name for file in task.attachments.all() if file.field]
    return Truncator(", ".join([*names, *values])).chars(LONGEST_TEXT)


def given(job: Job, task: Task) -> list[tuple[str, str]]:
    """What stood in the form's fields, each by its label; without files, what was left empty, and passwords."""
    fields = {
        name: field
        for name, field in job.form.base_fields.items()
        if task.params.get(name) not in ("", None, []) and not isinstance(field.widget, forms.PasswordInput)
    }
    return [
        (_label(name, field), Truncator(_said(field, task.params[name])).chars(LONGEST_TEXT))
        for name, field in fields.items()
    ]


def _label(name: str, field: forms.Field) -> str:
    return str(field.label or name.replace("_", " ").capitalize())


def _said(field: forms.Field, value: Any) -> str:
    """A value in words: as its field has them, where that knows `in_words`; what was chosen as it was offered."""
    if in_words := getattr(field, "in_words", None):
        return str(in_words(value))
    if isinstance(field, forms.BooleanField):
        return gettext("yes")
    if not isinstance(field, forms.ChoiceField):
        return _value(value)
    choices: Any = field.choices
    flat: list[tuple[Any, Any]] = list(flatten_choices(choices))
    offered = {str(key): str(label) for key, label in flat}
    chosen = value if isinstance(value, list) else [value]
    return ", ".join(offered.get(str(each), str(each)) for each in chosen)


def _value(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def keep_files(form: forms.BaseForm, files: Mapping[str, Any]) -> None:
    """Have the form say of each of its file fields which of these files it keeps while no other one is chosen.

    They are the form's `initial` ones too: so none is required.
    """
    for name, file in files.items():
        if name not in form.fields:
            continue
        bound = form[name]
        described = [f"{bound.id_for_label}_kept", f"{bound.auto_id}_helptext" if bound.help_text else ""]
        form.fields[name].widget.attrs |= {KEPT: file.name, "aria-describedby": " ".join(described).strip()}


def command_line(job: Job, form: forms.BaseForm) -> str:
    """The command that starts the job with what the form holds; a file is its name, or a path to be filled in."""
    values = {name: _shown(form, name, field) for name, field in form.fields.items()}
    parts = [f"{name}={shlex.quote(value)}" for name, value in values.items() if value]
    return " ".join(["manage.py run_job", job.name, *parts])


def _shown(form: forms.BaseForm, name: str, field: forms.Field) -> str:
    if isinstance(field, forms.FileField):
        return str(field.widget.attrs.get(KEPT, "path/to/file"))
    value = form[name].value()
    if isinstance(value, bool):
        return "on" if value else ""
    return "" if value is None else _value(value)
