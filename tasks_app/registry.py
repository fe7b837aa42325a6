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
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final, Required, TypedDict, Unpack, cast

from django import forms
from django.utils.translation import gettext as _

from progress_app.words import Words, also, as_written
from tasks_app.uploads import bound_files

Function = Callable[..., Any]
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
CHORES: Final = "tasks_app.chores"
PACKAGES: Final = ("tasks_app.jobs", CHORES)
ANYBODY: Final = ""  # a permission that everybody has who is logged in
DEFAULT_QUEUE: Final = "default"
DEFAULT_PRIORITY: Final = 5
LAST_PRIORITY: Final = 9


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


class PermanentJobError(JobError):
    """A JobError that another attempt would meet again: the task is not tried again, whatever its job allows."""


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
        super().__init__(_("The parameters do not fit the job {job}: {told}").format(job=job, told=told))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A kind of work; the fields after `function` are what `@job` takes, and described at `Options`.

    Raises:
        ValueError: a name that cannot stand in an address, or a value outside its range.

    """

    name: str
    function: Function
    title: Words
    description: Words = ""
    form: type[forms.Form] = forms.Form
    stages: Sequence[str] = ()
    results: Mapping[str, Words] = field(default_factory=dict)
    permission: str | None = None
    internal: bool = False
    queue: str = DEFAULT_QUEUE
    priority: int = DEFAULT_PRIORITY
    restartable: bool = True
    retry_on_lost: bool = True
    max_attempts: int = 1
    retry_on: tuple[type[BaseException], ...] = (Exception,)
    backoff_s: float = 1.0
    backoff_most_s: float = 600.0
    time_limit_s: float | None = None
    hard_limit_s: float | None = None
    cancel_grace_s: float | None = None
    unique_by: Sequence[str] | None = None
    unlisted: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be meant, at the import of the job's module."""
        if not NAME.fullmatch(self.name):
            raise ValueError(f"A job named {self.name!r}: expected lower-case letters, digits and _, at most 64.")
        self._expect("max_attempts", "1 or more", fits=self.max_attempts >= 1)
        self._expect("priority", f"0 (first) to {LAST_PRIORITY} (last)", fits=0 <= self.priority <= LAST_PRIORITY)
        self._expect("backoff_s", "seconds above 0", fits=self.backoff_s > 0)
        soft_s, hard_s = self.time_limit_s, self.hard_limit_s
        self._expect("time_limit_s", "seconds above 0, or None", fits=soft_s is None or soft_s > 0)
        in_order = hard_s is None or (soft_s is not None and hard_s >= soft_s)
        self._expect("hard_limit_s", "None, or seconds from time_limit_s on", fits=in_order)
        bound_files(self.form)
        unknown = set(self.unique_by or ()) - self.form.base_fields.keys()
        self._expect("unique_by", "names of its form's fields", fits=not unknown)

    def _expect(self, option: str, allowed: str, *, fits: bool) -> None:
        if not fits:
            raise ValueError(f"@job {self.name}: {option}={getattr(self, option)!r}: expected {allowed}.")

    @property
    def takes_files(self) -> bool:
        """Whether its form has a field for a file."""
        return any(isinstance(field, forms.FileField) for field in self.form.base_fields.values())

    @property
    def is_chore(self) -> bool:
        """Whether it is about tasks themselves, and not the work that people come for."""
        return self.function.__module__.startswith(CHORES)

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


class Options(TypedDict, total=False):
    """What `@job` takes; each may be left out but the title.

    Names end in their unit: `_s` are seconds.
    """

    title: Required[Words]
    description: Words  # the first line of the function's docstring, unless given
    form: type[forms.Form]  # of its parameters
    stages: Sequence[str]  # names, in order
    results: Mapping[str, Words]  # what people call the keys of what it returns; a key without words speaks for itself
    permission: str | None  # who may start it, such as "shop.import_products"; None: staff; ANYBODY
    internal: bool  # only other jobs start it, as their children
    queue: str  # Celery's; a worker must listen to it
    priority: int  # within its queue: 0 first, 9 last
    restartable: bool  # a task whose worker stopped or vanished is run again, from its beginning or checkpoint
    retry_on_lost: bool  # False: handed back by a worker that stops, but `lost` when its worker vanished
    max_attempts: int  # attempts that may fail; a hand-back is none
    retry_on: tuple[type[BaseException], ...]  # failures that are worth another attempt
    backoff_s: float  # before the second attempt; doubled for each further one, and scattered
    backoff_most_s: float
    time_limit_s: float | None  # of an attempt: at its next progress call TimeLimitReached is raised in the job
    hard_limit_s: float | None  # then its process is ended; None: a cancel's grace after the time limit
    cancel_grace_s: float | None  # a job that does not agree to its cancel for so long is ended; None: the setting's
    unique_by: Sequence[str] | None  # fields: of the tasks that agree in them one runs at a time; (): one at all
    unlisted: bool  # it has its own door and does not stand in the catalogue


def job(**options: Unpack[Options]) -> Callable[[Function], Function]:
    """Make a function a job; its name is the job's.

    Raises:
        ValueError: the name is taken or cannot stand in an address, or an option is outside its range.

    """

    def register(function: Function) -> Function:
        described: Options = {"description": _first_line(function), **options}
        _add(Job(name=function.__name__, function=function, **described))
        return function

    return register


def _first_line(function: Function) -> str:
    return (function.__doc__ or "").strip().partition("\n")[0]


def _add(made: Job) -> None:
    taken = _jobs.get(made.name)
    if taken is not None and taken.function.__module__ != made.function.__module__:
        raise ValueError(
            f"Two jobs are named {made.name!r}, in {taken.function.__module__} and {made.function.__module__}: "
            "rename one of the functions."
        )
    _jobs[made.name] = made
    also([as_written(made.title), *made.stages])


def get(name: str) -> Job:
    """The job of this name.

    Raises:
        UnknownJob: there is none.

    """
    found = _jobs.get(name)
    if found is None:
        near = get_close_matches(name, _jobs, 1)
        hint = " " + _("Did you mean {name}?").format(name=near[0]) if near else ""
        text = _("No job named {name}. Known jobs: {known}.")
        raise UnknownJob(text.format(name=repr(name), known=", ".join(sorted(_jobs)) or "–") + hint)
    return found


def find(name: str) -> Job | None:
    """The job of this name, None if it was removed from the code."""
    return _jobs.get(name)


def title_of(name: str) -> str:
    """What a job is called in the present language; its name if it was removed from the code."""
    found = find(name)
    return str(found.title) if found else name


def is_chore(name: str) -> bool:
    """Whether the job of this name is about tasks themselves, such as an export of them."""
    found = find(name)
    return found is not None and found.is_chore


def once() -> tuple[str, ...]:
    """The names of the jobs that are not run again should their worker vanish."""
    return tuple(sorted(made.name for made in _jobs.values() if not (made.restartable and made.retry_on_lost)))


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
