"""What a task does when its children have ended: its `then`, or its end."""

from typing import Any

from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from progress_app.host import OnFailure
from progress_app.reporter import Reporter
from progress_app.words import fill, said, state_text
from tasks_app.family import Results
from tasks_app.models import Task
from tasks_app.registry import PermanentJobError


def go_on(task: Task, progress: Reporter, given: dict[str, Any]) -> Any:
    """Run the task's next step with what came of its children.

    Raises:
        PermanentJobError: a child failed and the family was to stop then, or the step is gone from the code.

    """
    family, results = task.family, Results(task)
    if family.on_failure == OnFailure.STOP and results.failed:
        raise PermanentJobError("children_failed", _told(results, family.total))
    if not family.then:
        return {"children": family.total, "done": results.done, "failed": results.failed}
    try:
        step = import_string(family.then)
    except ImportError as error:
        text = _("The step {step}, which follows the children, is no longer part of the code.")
        raise PermanentJobError("unknown_step", text.format(step=repr(family.then))) from error
    return step(progress, children=results, **given)


def _told(results: Results, total: int) -> str:
    first = results.first_failed()
    if first is None:
        return fill(_("{failed} of {total} parts did not end well"), failed=results.failed, total=total)
    reason = said(first.error.text) if first.error else state_text(first.state)
    text = _("{failed} of {total} parts did not end well; part {number}: {reason}")
    return fill(text, failed=results.failed, total=total, number=first.number + 1, reason=reason)
