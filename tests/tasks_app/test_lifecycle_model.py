"""The lifecycle, explored whole: two workers, maintenance and a canceller, in every interleaving of their steps.

What maintenance reads and writes are two steps, so that any other step may come between them. Leases run out at any
time, workers die at any time, messages come as often as they like. Every world that can be reached within three
attempts is visited once, by the UPDATEs that the project runs; in each one the invariants must hold, and from
each one an end must be within reach. (A random walk of ten thousand steps missed faults that need seven in a row.)
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from progress_app.events import FINAL, State
from tasks_app import statements
from tasks_app.locks import LONG_AGO
from tasks_app.models import Task
from tasks_app.recovery import recover
from tasks_app.transitions import OWNED, WAITING, Transitions
from tests.factories import TaskFactory

LEASE_S = 3600.0
MOST_ATTEMPTS = 3
GOOD_UNTIL = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Worker:
    """What a worker believes: the attempt that it runs (-1: none), and whether its lease is good."""

    runs: int = -1
    is_good: bool = False


IDLE = Worker()


@dataclass(frozen=True)
class World:
    """The row, the workers, and the row as maintenance read it."""

    state: str = State.QUEUED
    attempt: int = 0
    is_overdue: bool = False
    workers: tuple[Worker, ...] = (IDLE, IDLE)
    seen: tuple[str, int] | None = None

    def with_worker(self, place: int, worker: Worker) -> "World":
        """Workers are alike: two worlds that differ by their order are one."""
        others = [other for n, other in enumerate(self.workers) if n != place]
        return replace(self, workers=tuple(sorted([*others, worker])))


Move = Callable[["Lifecycle", World, int], World | None]


class Lifecycle:
    """Makes the moves in the database."""

    def __init__(self, job: str) -> None:
        self.job = job
        self.pk = TaskFactory.create(job=job).pk

    @property
    def row(self) -> Transitions:
        return Task.objects.filter(pk=self.pk)

    def put(self, world: World) -> None:
        """Make the row that of the world."""
        lease = (LONG_AGO if world.is_overdue else GOOD_UNTIL) if world.state in OWNED else None
        finished = LONG_AGO if world.state in FINAL else None
        self.row.update(state=world.state, attempt=world.attempt, lease_until=lease, finished_at=finished, losses=0)

    def after(self, world: World) -> World:
        """The world with the row as it is now, which must be sound."""
        task = self.row.get()
        assert task.attempt >= world.attempt, "an attempt only rises"
        assert (task.lease_until is not None) == (task.state in OWNED)
        assert (task.finished_at is not None) == (task.state in FINAL)
        if world.state in FINAL:
            assert (task.state, task.finished_at) == (world.state, LONG_AGO), "an end is the end"
        return replace(world, state=task.state, attempt=task.attempt, is_overdue=task.lease_until == LONG_AGO)

    def moves(self, world: World) -> Iterator[tuple[str, World]]:
        """Each step that somebody can take, and where it leads."""
        for name, move in MOVES.items():
            for place in range(len(world.workers)) if name.startswith("a worker") else [0]:
                self.put(world)
                reached = move(self, world, place)
                if reached is not None:
                    yield name, check(self.after(reached))


def check(world: World) -> World:
    good = [worker.runs for worker in world.workers if worker.is_good]
    assert good in ([], [world.attempt]), "one owner, who runs the newest attempt"
    assert not good or world.state in OWNED, "nobody takes a task from who holds a good lease"
    return world


def claims(life: Lifecycle, world: World, place: int) -> World | None:
    if world.workers[place].runs >= 0 or world.attempt >= MOST_ATTEMPTS:
        return None
    task = statements.claim(life.pk, worker="w", lease_s=LEASE_S, once=())
    assert (task is not None) == (world.state in WAITING)
    assert task is None or task.attempt == world.attempt + 1, "each claim is a new attempt"
    return world.with_worker(place, Worker(runs=task.attempt, is_good=True)) if task else None


def renews(life: Lifecycle, world: World, place: int) -> World | None:
    runs = world.workers[place].runs
    if runs < 0:
        return None
    states = (State.RUNNING, State.CANCELLING)
    held = any(life.row.renew(attempt=runs, state=state, lease_s=LEASE_S) for state in states)
    assert held == (world.attempt == runs and world.state in OWNED), "the newest attempt is renewed, no other"
    return world.with_worker(place, Worker(runs=runs, is_good=True) if held else IDLE)


def ends(state: State) -> Move:
    def move(life: Lifecycle, world: World, place: int) -> World | None:
        runs = world.workers[place].runs
        if runs < 0:
            return None
        written = statements.finish(life.pk, attempt=runs, state=state)
        assert written == (world.attempt == runs and world.state in OWNED), "only the newest attempt writes an end"
        return world.with_worker(place, IDLE)

    return move


def hands_back(state: State) -> Move:
    def move(life: Lifecycle, world: World, place: int) -> World | None:
        runs = world.workers[place].runs
        if runs < 0:
            return None
        if not life.row.hand_back(attempt=runs, state=state):
            life.row.finish(attempt=runs, state=State.CANCELLED)
        return world.with_worker(place, IDLE)

    return move


def dies(_: Lifecycle, world: World, place: int) -> World | None:
    return None if world.workers[place] == IDLE else world.with_worker(place, IDLE)


def lease_runs_out(life: Lifecycle, world: World, _: int) -> World | None:
    if world.state not in OWNED or world.is_overdue:
        return None
    life.row.update(lease_until=LONG_AGO)
    return replace(world, workers=tuple(sorted(replace(worker, is_good=False) for worker in world.workers)))


def maintenance_reads(life: Lifecycle, world: World, _: int) -> World | None:
    return replace(world, seen=(world.state, world.attempt)) if life.row.overdue().exists() else None


def maintenance_acts(life: Lifecycle, world: World, _: int) -> World | None:
    if world.seen is None:
        return None
    state, attempt = world.seen
    recover(Task(pk=life.pk, job=life.job, state=state, attempt=attempt))
    return replace(world, seen=None)


def cancel_is_asked(life: Lifecycle, world: World, _: int) -> World | None:
    if not life.row.cancel_waiting():
        life.row.request_cancel()
    return world


MOVES: dict[str, Move] = {
    "a worker claims": claims,
    "a worker renews": renews,
    "a worker ends well": ends(State.SUCCEEDED),
    "a worker ends badly": ends(State.FAILED),
    "a worker ends cancelled": ends(State.CANCELLED),
    "a worker hands back": hands_back(State.QUEUED),
    "a worker tries again": hands_back(State.RETRYING),
    "a worker dies": dies,
    "the lease runs out": lease_runs_out,
    "maintenance reads": maintenance_reads,
    "maintenance acts": maintenance_acts,
    "a cancel is asked for": cancel_is_asked,
}


def explore(life: Lifecycle) -> dict[World, set[World]]:
    """Every world that can be reached, each with those that follow it; a fault names the way to it."""
    ways: dict[World, tuple[str, ...]] = {World(): ()}
    follow: dict[World, set[World]] = {}
    waiting = [World()]
    while waiting:
        world = waiting.pop(0)
        follow[world] = set()
        try:
            for name, reached in life.moves(world):
                follow[world].add(reached)
                if reached not in ways:
                    ways[reached] = (*ways[world], name)
                    waiting.append(reached)
        except AssertionError as fault:
            raise AssertionError(f"{fault}, after: {' · '.join(ways[world])}, and one step more") from fault
    return follow


@pytest.mark.django_db
@pytest.mark.parametrize("job", ["rehearsal", "gone"], ids=["runs again", "may not run again"])
def test_every_interleaving_leaves_one_owner_and_one_end(job: str, settings: Any) -> None:
    settings.TASKS_MOST_LOSSES = 100
    follow = explore(Lifecycle(job))
    leads_to_an_end = {world for world in follow if world.state in FINAL}
    assert {world.state for world in leads_to_an_end} >= {State.SUCCEEDED, State.FAILED, State.CANCELLED}
    while more := {world for world in follow.keys() - leads_to_an_end if follow[world] & leads_to_an_end}:
        leads_to_an_end |= more
    out_of_attempts = {world for world in follow if world.attempt == MOST_ATTEMPTS}
    assert follow.keys() - leads_to_an_end - out_of_attempts == set(), "an end is always within reach"
    assert len(follow) > 250
