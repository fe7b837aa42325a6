"""How a task moves from state to state: conditional UPDATEs, whose row count tells who won.

    queued ──claim──▶ running ──finish──▶ succeeded | failed | cancelled | lost
      ▲  ▲               │ request_cancel ▶ cancelling ──finish──▶ …
      │  └──hand_back────┤
      └──────retry───────┘ (through retrying)          queued ──cancel_queued──▶ cancelled

    running ──park──▶ running, no lease ──go_on──▶ queued            (its children run meanwhile: see `children`)

Every write of a worker carries its attempt, so that a worker whose lease ran out changes nothing. Lease times are
the database's clock: workers whose clocks differ agree on it.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Case, F, Max, Min, Q, Value, When
from django.db.models.functions import Coalesce, Now

from progress_app.events import FINAL, State

if TYPE_CHECKING:
    from tasks_app.models import Task  # noqa: F401  (the type of the rows)

WAITING = (State.QUEUED, State.RETRYING)
OWNED = (State.RUNNING, State.CANCELLING)
BAD = (State.FAILED, State.LOST)
GOOD = sorted(set(State) - set(BAD))
CLAIMED = (*OWNED, *sorted(FINAL))  # with a time of publishing: a worker has taken its message


class IsBad(models.Func):
    """Whether a state is none of `GOOD`; as the index `task_bad` has it, word by word.

    In literals, or SQLite would not see that the index's condition holds; and by what it is not, or SQLite would look
    for the states in an index of states, which has every task that ever failed.
    """

    template = f"NOT (%(expressions)s IN ({', '.join(repr(state.value) for state in GOOD)}))"
    output_field = models.BooleanField()


def from_now(seconds: float) -> Any:
    """The database's time in so many seconds; negative for the past."""
    return Now() + Value(timedelta(seconds=seconds), output_field=models.DurationField())


class Transitions(models.QuerySet["Task"]):
    """Each method moves the rows of this query that may move, and says whether there was one."""

    def claim(self, *, worker: str, lease_s: float, once: Collection[str] = ()) -> bool:
        """Take a waiting task; it runs as the attempt after its last one.

        `once`: the jobs that are not run again should their worker vanish. It stands in the row, because during a
        deployment maintenance may be of another version, which does not know the job.
        """
        return self._moved(
            self.filter(state__in=WAITING),
            state=State.RUNNING,
            attempt=F("attempt") + 1,
            worker=worker,
            lease_until=from_now(lease_s),
            restarts=Case(When(job__in=once, then=False), default=True),
            next_at=None,
            started_at=Coalesce(F("started_at"), Now()),
        )

    def take_delivery(self, *, before: int, attempt: int, worker: str, lease_s: float) -> bool:
        """Take a tracked task whose last attempt was `before`, in whatever state: Celery runs it, and so it runs."""
        return self._moved(
            self.filter(attempt=before).exclude(state__in=(State.CANCELLING, State.CANCELLED)),
            state=State.RUNNING,
            attempt=attempt,
            worker=worker,
            lease_until=from_now(lease_s),
            next_at=None,
            finished_at=None,
            started_at=Coalesce(F("started_at"), Now()),
        )

    def renew(self, *, attempt: int, state: State, lease_s: float, **noted: Any) -> bool:
        """Hold the lease for another `lease_s` seconds, and note how far the attempt is."""
        return self._moved(self.filter(state=state, attempt=attempt), lease_until=from_now(lease_s), **noted)

    def finish(self, *, attempt: int, state: State, **outcome: Any) -> bool:
        """End an owned task; `outcome` are the fields that say how."""
        return self._moved(self.filter(state__in=OWNED, attempt=attempt), **_ended(state), **outcome)

    def hand_back(self, *, attempt: int, state: State = State.QUEUED, **noted: Any) -> bool:
        """Put a running task back into the queue; it is to be published again."""
        return self._moved(
            self.filter(state=State.RUNNING, attempt=attempt),
            state=state,
            lease_until=None,
            published_at=None,
            worker="",
            **{"next_at": None, **noted},
        )

    def park(self, *, attempt: int, **noted: Any) -> bool:
        """Let a running task wait for its children, without a worker."""
        return self._moved(
            self.filter(state=State.RUNNING, attempt=attempt, lease_until__isnull=False),
            lease_until=None,
            worker="",
            has_children=True,
            **noted,
        )

    def parked(self) -> "Transitions":
        """Tasks that wait for their children, the longest first."""
        waiting = self.unfinished().filter(state__in=OWNED, lease_until=None, has_children=True)
        return waiting.order_by("published_at")

    def go_on(self, *, checkpoint: str) -> bool:
        """Put a task that waited for its children into the queue; it is to be published again."""
        return self._moved(
            self.parked().filter(state=State.RUNNING),
            state=State.QUEUED,
            published_at=None,
            next_at=Now(),
            checkpoint=checkpoint,
        )

    def request_cancel(self) -> bool:
        """Note that a running task is to be cancelled; the job agrees, or is made to."""
        return self._moved(self.filter(state=State.RUNNING), state=State.CANCELLING, cancel_requested_at=Now())

    def cancel_waiting(self, **outcome: Any) -> bool:
        """Cancel a task that nobody runs yet, at once."""
        return self._moved(
            self.filter(state__in=WAITING),
            **_ended(State.CANCELLED),
            cancel_requested_at=Now(),
            published_at=None,  # nobody took its message
            **outcome,
        )

    def lose_waiting(self, **outcome: Any) -> bool:
        """End a task whose message is gone, and that nobody here can send again."""
        return self._moved(self.filter(state__in=WAITING), **_ended(State.LOST), **outcome)

    def mark_published(self, *, attempt: int) -> bool:
        """Note that the message for the attempt after `attempt` is with the broker, or was: a worker may be quicker."""
        taken = Q(state__in=CLAIMED, attempt=attempt + 1, published_at=None)
        return self._moved(self.filter(Q(state__in=WAITING, attempt=attempt) | taken), published_at=Now())

    def unpublished(self, *, older_than_s: float) -> "Transitions":
        """Waiting tasks whose message is not known to be with the broker, and whose time has come; oldest first.

        Not children: `window` publishes them. Ordered by an expression: for a plain column SQLite would walk through
        a million rows in its order.
        """
        due = Q(next_at=None, created_at__lt=from_now(-older_than_s)) | Q(next_at__lte=Now())
        waiting = self.unfinished().filter(due, state__in=WAITING, published_at=None, celery_id="", parent=None)
        return waiting.order_by(Coalesce("next_at", "created_at"))

    def forgotten(self, *, after_s: float) -> "Transitions":
        """Tracked tasks that have waited so long past their time that Celery has no message of them any more."""
        waiting = self.unfinished().filter(state__in=WAITING, published_at=None, celery_id__gt="")
        since = Coalesce("next_at", "created_at")
        return waiting.alias(since=since).filter(since__lt=from_now(-after_s)).order_by(since)

    def doubt(self) -> int:
        """Let the waiting tasks of this query be published again; gives how many."""
        return self.filter(state__in=WAITING, published_at__isnull=False).update(published_at=None)

    def lines(self, *, waiting_s: float) -> list[tuple[str, int, datetime]]:
        """Queue, priority and oldest publishing of the lines whose oldest task has waited so long, in seconds."""
        published = self.unfinished().filter(state__in=WAITING, published_at__isnull=False).order_by()
        lines = published.values_list("queue", "priority").annotate(oldest=Min("published_at"))
        return list(lines.filter(oldest__lt=from_now(-waiting_s)))

    def newest_claimed(self, queue: str, priority: int, *, since: datetime) -> datetime | None:
        """When the newest of the messages published since then that a worker took was published; None: none was."""
        claimed = self.filter(state__in=CLAIMED, queue=queue, priority=priority, published_at__gte=since)
        newest: datetime | None = claimed.aggregate(newest=Max("published_at"))["newest"]
        return newest

    def overdue(self) -> "Transitions":
        """Owned tasks whose lease has run out, the longest first: their worker is gone, or frozen."""
        return self.filter(state__in=OWNED, lease_until__lt=Now()).order_by("lease_until")

    def unfinished(self) -> "Transitions":
        """Tasks to which something will still happen."""
        return self.filter(finished_at=None)

    def under_way_of(self, user_id: int | None) -> "Transitions":
        """Those of one owner. By an expression: for a plain column SQLite would walk through all that they ever had."""
        return self.unfinished().alias(whose=Coalesce("owner_id", 0)).filter(whose=user_id)

    def bad(self) -> "Transitions":
        """Tasks that failed or were lost, which have an index of their own."""
        return self.filter(IsBad("state"))

    @staticmethod
    def _moved(rows: "Transitions", **values: Any) -> bool:
        return rows.update(**values) > 0


def _ended(state: State) -> dict[str, Any]:
    return {"state": state, "finished_at": Now(), "lease_until": None}
