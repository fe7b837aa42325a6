"""The life of a family: its children run a few at a time, the last one that ends lets the parent go on.

    parent: running ──park──▶ running, no lease ──(all have ended)──▶ queued ──claim──▶ running `then`
                                   │ request_cancel ▶ cancelling ──(all have ended)──▶ cancelled

1. Whoever ends a child looks in the database whether it was the last one. Two who do so in the same moment both find
   that it was; the parent moves by one conditional UPDATE, so it moves once.
2. All here is done promptly by who runs or ends a child, and again by `tend` in each round of maintenance: a worker
   that dies in between, a Redis that lost its data or a message that was lost hold a family up for one round.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from typing import Final, ParamSpec
from uuid import UUID

from progress_app import connections
from progress_app.events import State
from progress_app.exceptions import BackendUnavailable
from progress_app.host import OnFailure
from tasks_app import family, outbox, window
from tasks_app.announce import announce_end, tell_worker
from tasks_app.models import Family, Task
from tasks_app.permissions import audience

MOST_A_ROUND: Final = 500  # families that one round of maintenance looks at

P = ParamSpec("P")
logger = logging.getLogger(__name__)


def _promptly(step: Callable[P, None]) -> Callable[P, None]:
    """A fault here must not touch the task that ran into it: maintenance does the step again."""

    @wraps(step)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            step(*args, **kwargs)
        except Exception:
            logger.exception("The family of task %s is left to maintenance.", args[0])

    return guarded


@_promptly
def launch(parent: Task) -> None:
    """The children were made: publish the first ones and begin to roll them up."""
    parent.has_children = True
    _show(parent, ())
    window.fill(parent.pk)
    conclude(parent.pk)


@_promptly
def began(child: Task) -> None:
    """A child was claimed: it may be time to publish more of them."""
    if child.parent_id is not None and window.is_half_empty(child):
        window.fill(child.parent_id)


@_promptly
def ended(child: Task, state: State) -> None:
    """A child has ended: the others may have to stop, or the parent go on."""
    if child.parent_id is None:
        return
    if state is not State.SUCCEEDED and _stops(child.parent_id):
        _stop(child.parent_id)
    conclude(child.parent_id)


@_promptly
def cancel(parent: Task) -> None:
    """The parent is to be cancelled: its children are, and it has ended when they have."""
    _stop(parent.pk)
    conclude(parent.pk)


def _stops(parent_id: UUID) -> bool:
    return Family.objects.filter(parent=parent_id, on_failure=OnFailure.STOP).exists()


def _stop(parent_id: UUID) -> None:
    """Cancel the children that have not ended: those that wait at once, those that run as soon as they agree."""
    unfinished = Task.objects.filter(parent=parent_id, finished_at=None)
    cancelled = unfinished.cancel_waiting()
    running = list(unfinished.filter(state=State.RUNNING).values_list("pk", flat=True))
    unfinished.request_cancel()
    for child_id in running:
        tell_worker(child_id)
    parent = Task.objects.parked().filter(pk=parent_id).first()
    if parent is not None and (cancelled or parent.state == State.CANCELLING):
        _show(parent, family.words(parent.pk))


def conclude(parent_id: UUID) -> None:
    """Let a parent go on, or end as cancelled, if all of its children have ended. Of all who ask, one does it."""
    if Task.objects.filter(parent=parent_id, finished_at=None).exists():
        return
    row = Task.objects.filter(pk=parent_id)
    parent = row.parked().first()
    if parent is None:
        return
    if parent.state == State.CANCELLING:
        moved = row.parked().finish(attempt=parent.attempt, state=State.CANCELLED, checkpoint="")
        if moved:
            announce_end(row.get())
    elif moved := row.go_on(checkpoint=family.checkpoint_after(parent)):
        outbox.publish(row.get())
    if moved:
        _forget(parent_id)


def tend() -> int:
    """Look after the families that wait: what fell through is done again; gives how many there are."""
    parents = list(Task.objects.parked()[:MOST_A_ROUND])
    for parent in parents:
        _tend(parent)
    return len(parents)


@_promptly
def _tend(parent: Task) -> None:
    added = family.sums(parent.pk)
    if parent.state == State.CANCELLING or (added.failed and _stops(parent.pk)):
        _stop(parent.pk)
    window.fill(parent.pk)
    try:
        shown = connections.backend().rolled_up(str(parent.pk))
    except BackendUnavailable:
        shown = None
    if shown is None or (shown.done, shown.failed) != (added.done, added.failed):
        _show(parent, family.words(parent.pk))
    conclude(parent.pk)


def _show(parent: Task, words: Sequence[int]) -> None:
    """Roll the children up from what the database says; what Redis knows better stays."""
    rollup = family.rollup_of(parent)
    try:
        if rollup is not None:
            connections.backend().roll_up(replace(rollup, audience=audience(parent)), words)
    except BackendUnavailable as error:
        logger.warning("The bar of task %s shows its children later: %s", parent.pk, error)


def _forget(parent_id: UUID) -> None:
    try:
        connections.backend().end_roll_up(str(parent_id))
    except BackendUnavailable:
        logger.info("The roll-up of task %s stays until it is too old.", parent_id)
