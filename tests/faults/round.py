"""One round: a batch, its viewers, a fault at a random moment; then what came of it."""

import random
import threading
import time
from collections.abc import Callable, Collection
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, cast

from django.contrib.auth.models import User
from django.db.models import F, Q
from django.db.models.functions import Now
from django.test import Client

from progress_app import connections as progress
from tasks_app.locks import Lock
from tasks_app.maintenance import maintain
from tasks_app.models import Attachment, Probe
from tests.faults.batch import Batch
from tests.faults.faults import Fault, Scene
from tests.faults.journal import Journal
from tests.faults.plant import Plant
from tests.faults.viewer import Viewer
from tests.postgresql import Postgresql
from tests.processes import until

LATEST_STRIKE_S = 2.0
LOOK_EVERY_S = 0.1
CANCELLED_WITHIN_S = 2.0  # after a lease renewal at the latest, which tells also while Redis is away
NOTICED_WITHIN_S = 1.0  # a body that was frozen past its lease stops so soon


@dataclass(slots=True, kw_only=True)
class Score:
    """What a round or several came to; what the fault cost in attempts is `again`; from `lost` on all is to be 0."""

    rounds: int = 0
    tasks: int = 0
    again: int = 0
    lost: int = 0
    doubled: int = 0
    stuck: int = 0
    missed: int = 0
    left: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing went wrong."""
        return not any((self.lost, self.doubled, self.stuck, self.missed, self.left))

    def add(self, other: "Score") -> None:
        """Sum up."""
        for name in ("rounds", "tasks", "again", "lost", "doubled", "stuck", "missed", "left", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.notes += other.notes


class Round:
    """One batch under one fault.

    Args:
        fault: which.
        plant: a running installation.
        seed: of everything that is random.
        user: staff.
        postgresql: its database's server, None for SQLite.

    """

    def __init__(self, fault: Fault, plant: Plant, seed: str, user: User, postgresql: Postgresql | None) -> None:
        self._fault, self._plant, self._seed = fault, plant, seed
        self._dice = random.Random(seed)  # noqa: S311  (a round can be played again)
        self._batch = Batch(plant.folder, self._dice, user, told_within_s=plant.renew_s + CANCELLED_WITHIN_S)
        self._postgresql = postgresql
        self._session = _session(user)
        self._viewers: list[tuple[Viewer, list[str]]] = []
        self._there_before = self._keys_for_good()

    @property
    def _tasks(self) -> list[str]:
        return self._batch.tasks

    def play(self) -> Score:
        """Play it; processes that died run again afterwards."""
        began_s = time.monotonic()
        self._plant.heal()
        around = cast("Any", self._fault.around(self._plant)) if self._fault.around else nullcontext()
        with around:
            scene = self._strike()
            score = self._judge(scene)
        score.seconds = time.monotonic() - began_s
        return score

    def _strike(self) -> Scene:
        batch = self._batch
        batch.start()
        self._watch(batch.early)
        returning = self._watch(batch.early)
        clicks = threading.Thread(target=batch.go_on, name="clicks")
        clicks.start()
        time.sleep(self._dice.uniform(0, LATEST_STRIKE_S))
        returning.go_away()
        scene = Scene(plant=self._plant, dice=self._dice, tasks=batch.tasks, postgresql=self._postgresql)
        self._fault.strike(scene)
        self._plant.heal()
        clicks.join()
        self._watch(batch.late)
        _wait(lambda: not batch.unfinished(), self._plant.patience_s)
        returning.come_back()
        return scene

    def _watch(self, tasks: list[str]) -> Viewer:
        viewer = Viewer(self._plant.web.url, self._session, tasks)
        self._viewers.append((viewer, tasks))
        return viewer

    def _judge(self, scene: Scene) -> Score:
        batch = self._batch
        stuck = [f"{task.pk} {task.job} {task.state} attempt {task.attempt}" for task in batch.unfinished()]
        _wait(lambda: not self._missed(), self._plant.told_s)
        missed = self._missed()
        for viewer, _ in self._viewers:
            viewer.leave()
        for _ in range(2):
            until(maintain, what="a round of maintenance")
        left = self._left_at_last()
        forgiven_s = scene.woke_at_s + NOTICED_WITHIN_S if scene.woke_at_s else 0.0
        doubled = sorted(Journal(batch.journal).doubled(forgiven_until_s=forgiven_s))
        untrue = batch.untrue(full=self._fault.name == "disk full for results", unaware_until_s=scene.woke_at_s)
        found = {"stuck": stuck, "missed": missed, "doubled": doubled, "lost": untrue, "left": left}
        return Score(
            rounds=1,
            tasks=len(batch.tasks),
            again=sum(task.attempt > 1 for task in batch.rows() if task.job != "stumbles_at_first"),
            notes=[f"{self._seed}: {what}: {each}" for what, each_of in found.items() for each in each_of],
            **{what: len(each_of) for what, each_of in found.items()},
        )

    def _missed(self) -> list[str]:
        """Ends that a viewer was not told, or not as they are."""
        states = {str(task.pk): task.state for task in self._batch.rows() if task.is_final}
        return [
            f"{task} {states[task]} told as {viewer.ends.get(task)}"
            for viewer, tasks in self._viewers
            for task in tasks
            if task in states and viewer.ends.get(task) != states[task]
        ]

    def _left_at_last(self) -> list[str]:
        """What is left when nothing gets less any more: maintenance may be at work at any single moment."""
        deadline = time.monotonic() + self._plant.told_s
        while (left := self._left()) and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY_S)
        return left

    def _left(self) -> list[str]:
        return [*self._keys_left(), *self._rows_left(), *self._files_left()]

    def _keys_left(self) -> list[str]:
        """Keys that nothing will delete, tasks that Redis shows as running, and messages in queues."""
        found = [f"Redis shows {task} as running" for task in progress.backend().unfinished(self._tasks)]
        found += sorted(self._keys_for_good() - self._there_before)
        with self._plant.valkey.client() as client:
            queues = [key for key in client.scan_iter("default*", count=1000) if client.type(key) == b"list"]
            found += [f"{client.llen(key)} messages in {key.decode()!r}" for key in queues]
        return found

    def _keys_for_good(self) -> set[str]:
        """Keys of tasks that do not expire; other tests may have left some."""
        with self._plant.valkey.client() as client:
            return {key.decode() for key in client.scan_iter("headway:{*", count=1000) if client.ttl(key) == -1}

    def _rows_left(self) -> list[str]:
        leased = [f"lease of {task.pk}" for task in self._batch.rows() if task.lease_until and task.is_final]
        locks = [f"lock {lock.name}" for lock in Lock.objects.filter(until__gt=Now())]
        unanswered = Q(answered=None) | Q(answered__lt=F("sent_at"))
        probes = [f"probe {probe}" for probe in Probe.objects.filter(unanswered, sent_at__isnull=False)]
        return leased + locks + probes

    def _files_left(self) -> list[str]:
        """Files and folders without a row, and rows without a file."""
        media = self._plant.media
        rows = {
            media / name
            for name in Attachment.objects.filter(task__in=self._batch.rows()).values_list("file", flat=True)
        }
        folders = (media / "tasks" / task for task in self._tasks)
        files = {path for folder in folders for path in folder.rglob("*") if path.is_file() or not any(path.iterdir())}
        return [f"file {path.relative_to(media)}" for path in sorted(files ^ rows)]


def _session(user: User) -> str:
    client = Client()
    client.force_login(user)
    return str(client.cookies["sessionid"].value)


def _wait(condition: Callable[[], object], within_s: float) -> None:
    """Wait for it; what did not come in time is counted by whoever looks next."""
    deadline = time.monotonic() + within_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_S)


def table(scores: Collection[tuple[str, Score]]) -> list[str]:
    """The scores as lines of text."""
    head = ("fault", "rounds", "tasks", "again", "lost", "doubled", "stuck", "missed", "left", "seconds")
    lines = [f"{head[0]:<34}" + "".join(f"{name:>9}" for name in head[1:])]
    for name, score in scores:
        values = [getattr(score, column) for column in head[1:-1]]
        lines.append(f"{name:<34}" + "".join(f"{value:>9}" for value in values) + f"{score.seconds:>9.0f}")
    return lines
