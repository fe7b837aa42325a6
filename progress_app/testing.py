"""A reporter for tests of jobs: it records what a job says, without Redis, database or threads.

    def test_words_are_counted():
        progress = RecordingReporter()
        assert count_words(progress, text=...) == {"lines": 2, "words": 3}
        assert progress.percents == [0.0, 50.0, 99.9]

It is a real reporter on the memory backend, and refuses, cuts and raises what a real one does. But each call is sent
at once and in the calling thread, so that what is recorded does not depend on time.
"""

import io
from collections.abc import AsyncIterator, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final
from uuid import uuid4

from progress_app.backends.memory import MemoryBackend
from progress_app.checkpoint import Checkpoint
from progress_app.events import LogEntry, Snapshot, State
from progress_app.exceptions import AttemptSuperseded, TaskCancelled, TimeLimitReached
from progress_app.host import Fan, Lease, Past
from progress_app.outlook import Paces
from progress_app.reporter import Reporter

FIRST: Final = 1


class RecordingHost:
    """As `Host`: keeps in memory what it is given."""

    def __init__(self) -> None:
        self.attachments: dict[str, bytes] = {}
        self.checkpoints: list[Any] = []
        self.fans: list[Fan] = []

    def renew(self, _snapshot: Snapshot) -> Lease:
        """As `Host.renew`: nobody else has the task."""
        return Lease.HELD

    def attach(self, file: IO[bytes] | Path, name: str) -> None:
        """As `Host.attach`."""
        if isinstance(file, Path):
            self.attachments[name] = file.read_bytes()
        else:
            file.seek(io.SEEK_SET)
            self.attachments[name] = file.read()

    def earlier(self) -> Sequence[Paces]:
        """As `Host.earlier`: this is the first run."""
        return ()

    def checkpoint(self, point: Checkpoint) -> None:
        """As `Host.checkpoint`."""
        self.checkpoints.append(point.data)

    def map(self, fan: Fan) -> Fan:
        """As `Host.map`: the children are noted, none is started."""
        self.fans.append(fan)
        return fan


class RecordingReporter(Reporter):
    """Give it to a job's function in place of its reporter, then look at what it recorded.

    Args:
        stages: as declared with the job.
        checkpointed: what the job finds in `progress.checkpointed`; None: it is the first attempt.
        cancel_at: a percentage; once it is reached somebody cancels the task. None: nobody does.

    Attributes:
        snapshots: every snapshot in which the percentage, the stage, the message or the state differs from the last.

    """

    def __init__(
        self, *, stages: Sequence[str] = (), checkpointed: Any = None, cancel_at: float | None = None
    ) -> None:  # fmt: skip
        self.backend = MemoryBackend()
        self.host = RecordingHost()
        self.snapshots: list[Snapshot] = []
        self._cancel_at = cancel_at
        attempt = FIRST if checkpointed is None else FIRST + 1
        super().__init__(
            task=str(uuid4()), job="a_job", attempt=attempt, backend=self.backend, host=self.host, stages=stages,
            past=Past(checkpoint=Checkpoint(data=checkpointed)),
        )  # fmt: skip

    # What was recorded

    @property
    def percents(self) -> list[float | None]:
        """Each percentage that a viewer may have seen, None while the total was unknown; repetitions left out."""
        return _changes([snapshot.percent for snapshot in self.snapshots])

    @property
    def messages(self) -> list[str]:
        """Each message that was shown."""
        return [message for message in _changes([snapshot.message for snapshot in self.snapshots]) if message]

    @property
    def stages(self) -> list[str]:
        """The names of the stages that ran, in the order in which they were seen."""
        return [name for name in _changes([s.stage.name if s.stage else "" for s in self.snapshots]) if name]

    @property
    def logs(self) -> list[LogEntry]:
        """The lines of the log; beyond 50 a second, after a first 200, they are counted in the last one."""
        return self.log_entries()

    @property
    def attachments(self) -> dict[str, bytes]:
        """The content of each attached file, by name."""
        return self.host.attachments

    @property
    def checkpoints(self) -> list[Any]:
        """The data of each checkpoint."""
        return self.host.checkpoints

    @property
    def last(self) -> Snapshot:
        """The present snapshot, or the end."""
        return self.snapshots[-1] if self._settled else self._note()

    # What may happen to a task

    def cancel(self) -> None:
        """Somebody cancels the task: the job's next call raises TaskCancelled."""
        self._halt.ask(TaskCancelled("The test cancelled the task."))

    def run_out_of_time(self) -> None:
        """The job's next call raises TimeLimitReached."""
        self._halt.ask(TimeLimitReached("The test let the time run out."))

    def supersede(self) -> None:
        """Another worker took the task over: the job's next call raises AttemptSuperseded."""
        self._halt.ask(AttemptSuperseded("The test gave the task to another worker."))

    def finish(self, state: State = State.SUCCEEDED) -> Snapshot:
        """End the task; gives the last snapshot. A call after it raises UsageError, as in a job."""
        snapshot = self.settle(state)
        self.publish_end()
        self.snapshots.append(snapshot)
        return snapshot

    # As a job calls it

    def track(self, iterable: Any, total: float | None = None, unit: str = "") -> Any:
        """As `Reporter.track`."""
        tracked = super().track(iterable, total, unit)
        return self._noted_async(tracked) if hasattr(tracked, "__aiter__") else self._noted(tracked)

    def _noted(self, items: Iterator[Any]) -> Iterator[Any]:
        for item in items:
            self._note()
            yield item
        self._note()

    async def _noted_async(self, items: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for item in items:
            self._note()
            yield item
        self._note()

    def advance(self, n: float = 1) -> None:
        """As `Reporter.advance`."""
        super().advance(n)
        self._note()

    def update(self, current: float | None = None, total: float | None = None, message: str | None = None) -> None:
        """As `Reporter.update`."""
        super().update(current, total, message)
        self._note()

    @contextmanager
    def stage(
        self, name: str, total: float | None = None, weight: float | None = None, unit: str = ""
    ) -> Generator[None]:
        """As `Reporter.stage`."""
        with super().stage(name, total, weight, unit):
            yield
            self._note()
        self._note()

    def _note(self) -> Snapshot:
        if self._settled:  # a loop may go on after the end; nobody is told
            return self._settled
        self.teller.send()
        seen = self.backend.read_snapshot(self._identity.task) or self._identity
        if not self.snapshots or _shown(seen) != _shown(self.snapshots[-1]):
            self.snapshots.append(seen)
            if self._cancel_at is not None and (seen.percent or 0.0) >= self._cancel_at:
                self.cancel()
        return seen


def _shown(snapshot: Snapshot) -> tuple[object, ...]:
    return snapshot.percent, snapshot.stage, snapshot.message, snapshot.state


def _changes(values: Sequence[Any]) -> list[Any]:
    """The values without those that repeat the one before."""
    return [value for index, value in enumerate(values) if index == 0 or value != values[index - 1]]
