"""The catalogue: `@job` makes a function a kind of work that people can start.

    @job(title="Import CSV", form=CsvImportForm, stages=["Read", "Load"])
    def import_csv(progress, *, upload, delimiter=","):
        ...

A file in `jobs/` (or `chores/`) is enough: it is found by its place, and there is no table to edit.
"""

import importlib
import pkgutil
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, cast

from django import forms

Function = Callable[..., Any]
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
PACKAGES: Final = ("tasks_app.jobs",)


class JobError(Exception):
    """Raised by a job that knows why it cannot go on.

    Args:
        code: a stable word for programs, such as "not_a_csv".
        sentence: what happened and what to do, for the person who started it.

    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code, sentence)
        self.code = code
        self.sentence = sentence


class UnknownJob(LookupError):
    """No job has this name; the text lists those that exist."""


class BadParameters(ValueError):
    """The parameters do not fit the job's form.

    Attributes:
        errors: for each field, what is wrong with it.

    """

    def __init__(self, job: str, errors: Mapping[str, Any]) -> None:
        self.errors = {field: [str(text) for text in texts] for field, texts in errors.items()}
        told = "; ".join(f"{field}: {' '.join(texts)}" for field, texts in self.errors.items())
        super().__init__(f"The parameters do not fit the job {job!r}: {told}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A kind of work.

    `permission` is who may start it, a Django permission such as "shop.import_products" (None: staff).
    `restartable`: a task whose worker stopped or vanished is run again, from its beginning or its checkpoint.
    `max_attempts` counts attempts that failed, a hand-back is none. `queue` is Celery's.
    """

    name: str
    function: Function
    title: str
    description: str = ""
    form: type[forms.Form] = forms.Form
    stages: tuple[str, ...] = ()
    permission: str | None = None
    restartable: bool = True
    max_attempts: int = 1
    queue: str = "default"

    def bind(self, data: Mapping[str, Any], files: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The typed parameters that the form makes of submitted values.

        Raises:
            BadParameters: they do not fit, or do not fit any more.

        """
        form = self.form(data=data, files=cast("Any", files))
        if not form.is_valid():
            raise BadParameters(self.name, form.errors)
        return dict(form.cleaned_data)


_jobs: dict[str, Job] = {}


def job(
    *,
    title: str,
    description: str = "",
    form: type[forms.Form] | None = None,
    stages: Sequence[str] = (),
    permission: str | None = None,
    restartable: bool = True,
    max_attempts: int = 1,
    queue: str = "default",
) -> Callable[[Function], Function]:
    """Make a function a job; its name is the job's. The fields are described at `Job`.

    Raises:
        ValueError: the name is taken or cannot stand in an address, or `max_attempts` is below 1.

    """
    if max_attempts < 1:
        raise ValueError(f"@job(title={title!r}, max_attempts={max_attempts}): expected 1 or more.")

    def register(function: Function) -> Function:
        _add(
            Job(
                name=function.__name__,
                function=function,
                title=title,
                description=description or _first_line(function),
                form=form or forms.Form,
                stages=tuple(stages),
                permission=permission,
                restartable=restartable,
                max_attempts=max_attempts,
                queue=queue,
            )
        )
        return function

    return register


def _first_line(function: Function) -> str:
    return (function.__doc__ or "").strip().partition("\n")[0]


def _add(made: Job) -> None:
    if not NAME.fullmatch(made.name):
        raise ValueError(f"A job named {made.name!r}: expected lower-case letters, digits and _, at most 64.")
    taken = _jobs.get(made.name)
    if taken is not None and taken.function.__module__ != made.function.__module__:
        raise ValueError(
            f"Two jobs are named {made.name!r}, in {taken.function.__module__} and {made.function.__module__}: "
            "rename one of the functions."
        )
    _jobs[made.name] = made


def get(name: str) -> Job:
    """The job of this name.

    Raises:
        UnknownJob: there is none.

    """
    found = _jobs.get(name)
    if found is None:
        near = get_close_matches(name, _jobs, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UnknownJob(f"No job named {name!r}. Known jobs: {', '.join(sorted(_jobs)) or 'none'}.{hint}")
    return found


def find(name: str) -> Job | None:
    """The job of this name, None if it was removed from the code."""
    return _jobs.get(name)


def all_jobs() -> list[Job]:
    """Every job, by title."""
    return sorted(_jobs.values(), key=lambda made: made.title.casefold())


def autodiscover() -> None:
    """Import every module in the jobs' packages whose name does not begin with an underscore."""
    for package_name in PACKAGES:
        package = importlib.import_module(package_name)
        for module in pkgutil.iter_modules(package.__path__):
            if not module.name.startswith("_"):
                importlib.import_module(f"{package_name}.{module.name}")
