"""What a task gave back, in words: each value by what people call it."""

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from progress_app.words import Words
from tasks_app.registry import Job

# Of a job that leaves it to its children: see `continuation`.
OF_CHILDREN: Final[Mapping[str, Words]] = {"children": _("Parts"), "done": _("Done"), "failed": _("Failed")}


def given_back(job: Job | None, result: Any) -> list[tuple[str, Any]] | None:
    """The values of a result with names, in their order, each by its label; None of any other result.

    A key for which the job has no words speaks for itself: "bad_rows" is shown as "Bad rows". Within a value the keys
    may be anything, such as names of files: there only words of the job's take the place of one.
    """
    if not isinstance(result, dict) or not result:
        return None
    labels = {**OF_CHILDREN, **(job.results if job else {})}
    return [(str(labels.get(key) or _readable(key)), _labelled(value, labels)) for key, value in result.items()]


def _labelled(value: Any, labels: Mapping[str, Words]) -> Any:
    if isinstance(value, list):
        return [_labelled(part, labels) for part in value]
    if not isinstance(value, dict):
        return value
    return {str(labels.get(key, key)): _labelled(part, labels) for key, part in value.items()}


def templates(job: Job | None) -> list[str]:
    """What draws a result: the job's own `jobs/<name>/result.html` where there is one, else the table of its values.

    It is given the `result`, `given_back`, and the `task`.
    """
    own = [f"jobs/{job.name}/result.html"] if job else []
    return [*own, "tasks_app/_result.html"]


def _readable(key: str) -> str:
    words = key.replace("_", " ").strip() or key
    return words[:1].upper() + words[1:]
