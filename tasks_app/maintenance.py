"""Finds what fell through and puts it right: not published, not owned any more, end not sent.

One round at a time over all processes: a round takes a lock row by a conditional UPDATE. A Redis or a broker that hangs
costs it one time-out: see `progress_app.patience`.
"""

from dataclasses import dataclass
from typing import Final

from progress_app import patience
from progress_app.events import State
from tasks_app import backlog, children, conf, endings, subscriptions
from tasks_app.locks import Lock
from tasks_app.models import Task
from tasks_app.recovery import give_up, recover

ROUND: Final = "maintenance"
MOST_A_ROUND: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a round did, in tasks; `doubted` are those whose message the broker may have lost, `families` wait."""

    requeued: int = 0
    ended: int = 0
    doubted: int = 0
    families: int = 0
    published: int = 0
    sent: int = 0
    mailed: int = 0


def maintain() -> Report | None:
    """Do one round; None: another process is at it."""
    holder = Lock.objects.take(ROUND, conf.get().longest_round_s)
    if not holder:
        return None
    try:
        with patience.short():
            return _round()
    finally:
        Lock.objects.release(ROUND, holder)


def _round() -> Report:
    forgotten = Task.objects.forgotten(after_s=conf.get().tracked_wait_s)
    recovered = [recover(task) for task in Task.objects.overdue()[:MOST_A_ROUND]]
    recovered += [give_up(task) for task in forgotten[:MOST_A_ROUND]]
    return Report(
        requeued=recovered.count(State.QUEUED),
        ended=sum(state is not None and state is not State.QUEUED for state in recovered),
        doubted=backlog.look(),
        families=children.tend(),
        published=backlog.publish(),
        sent=endings.tell(),
        mailed=subscriptions.tell(),
    )
